#pragma once

#include <optional>
#include <string>

#include "engine/types.hpp"
#include "storage/engine_process.hpp"
#include "storage/memory.hpp"

namespace cleanerd::inventory {

// What looks at one engine have shown and later ones need not ask for again. For one look at a time.
struct Memory {
  // What an engine tells of itself stays so as long as its process lives. It starts other programs to tell it.
  struct Engine {
    std::string socket_path;
    std::string data_root;  // of the engine, for this process
    engine::EngineInfo info;
    storage::EngineProcess process;
  };
  std::optional<Engine> engine;
  storage::Memory data_root;
};

}  // namespace cleanerd::inventory

// Runs a fuzz target without libFuzzer: every file of the folders and files given, and every beginning of it, as a cut answer
// or a half-written file would be.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kMostCuts = 200;

void run(const std::string& input) {
  // A copy of exactly this size, so that the sanitizers see a read beyond it.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  run(content);
  const std::size_t step = content.size() / kMostCuts + 1;
  for (std::size_t length = 0; length < content.size(); length += step) run(content.substr(0, length));
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    const std::filesystem::path path = argv[i];
    if (std::filesystem::is_regular_file(path)) replay(path), ++count;
    if (!std::filesystem::is_directory(path)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
      if (entry.is_regular_file()) replay(entry.path()), ++count;
  }
  std::printf("%zu inputs replayed\n", count);
  return count == 0;
}

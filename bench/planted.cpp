// Writes the planted corpus of tests/unit/match to a directory for bench/recall.py: each file below one of its own, and a list
// with a line each: its number, the secret in hex, its format and the kind of file.
//   planted DIRECTORY
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "match/codec.hpp"
#include "unit/match/corpus.hpp"

using namespace cleanerd::match;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path directory(argv[1]);
  std::ofstream list(directory / "list");
  std::size_t number = 0;
  const auto write = [&](const std::vector<Planted>& files) {
    for (const Planted& planted : files) {
      const std::filesystem::path path = directory / std::to_string(++number) / planted.path.substr(1);
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path, std::ios::binary) << planted.bytes;
      list << number << '\t' << hex_encode(planted.secret, false) << '\t' << planted.format << '\t' << planted.kind << '\n';
    }
  };
  std::uint64_t seed = 40;  // as in recall_test.cpp
  for (const Format& format : corpus_formats()) write(planted_files(format, ++seed));
  write(planted_credential_files(7000));
  return list.flush() ? 0 : 1;
}

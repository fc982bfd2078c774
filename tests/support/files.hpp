// Files of a test: fixtures and golden files beside its source, and a directory that goes when the test ends.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace cleanerd::test {

namespace fs = std::filesystem;

inline std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

// UPDATE_GOLDEN=1 rewrites the file; the difference is then reviewed as a change that users see.
inline void expect_golden(const fs::path& path, const std::string& actual) {
  if (std::getenv("UPDATE_GOLDEN")) write_file(path, actual);
  ASSERT_TRUE(fs::exists(path)) << path << " is missing; run once with UPDATE_GOLDEN=1";
  EXPECT_EQ(read_file(path), actual) << "differs from " << path << "; UPDATE_GOLDEN=1 rewrites it";
}

class TempDir {
 public:
  TempDir() {
    std::string pattern = (fs::temp_directory_path() / "cleanerd-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace cleanerd::test

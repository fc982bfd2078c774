#include "search/fingerprint_key.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "storage/file.hpp"

namespace cleanerd::search {

Fingerprinter::Key fingerprint_key(const std::string& state_dir) {
  const std::string path = state_dir + "/fingerprint.key";
  Fingerprinter::Key key{};
  const auto read = [&] {
    auto stored = storage::read_small_file(path, 4096);
    if (!stored || stored->size() != key.size()) return false;
    std::copy(stored->begin(), stored->end(), key.begin());
    return true;
  };
  if (read()) return key;
  RAND_bytes(key.data(), static_cast<int>(key.size()));
  std::error_code error;
  if (std::filesystem::create_directories(state_dir, error)) std::filesystem::permissions(state_dir, std::filesystem::perms::owner_all, error);
  // Written aside and linked into place, so that two first runs at once end with one key.
  const std::string fresh = path + "." + std::to_string(::getpid());
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return key;
  const bool written = ::write(file, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(file) == 0;
  ::close(file);
  if (written && ::link(fresh.c_str(), path.c_str()) != 0) read();
  ::unlink(fresh.c_str());
  return key;
}

}  // namespace cleanerd::search

#include "match/database_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstdio>
#include <optional>

#include "base/secret_value.hpp"

namespace cleanerd::match {
namespace {

constexpr off_t kMaxFile = 64 << 20;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::optional<std::string> read_own_file(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (fd.get() < 0 || fstat(fd.get(), &status) != 0) return std::nullopt;
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 022) != 0) return std::nullopt;
  if (status.st_size <= 0 || status.st_size > kMaxFile) return std::nullopt;
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = read(fd.get(), content.data() + done, content.size() - done);
    if (n <= 0) return std::nullopt;
    done += static_cast<std::size_t>(n);
  }
  return content;
}

// A cache: what cannot be written is compiled again next time.
void write_own_file(const std::string& path, const std::string& content) {
  const std::string part = path + "." + std::to_string(getpid());
  {
    const Fd fd(open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd.get() < 0) return;
    std::size_t done = 0;
    while (done < content.size()) {
      const ssize_t n = write(fd.get(), content.data() + done, content.size() - done);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    if (done < content.size()) {
      unlink(part.c_str());
      return;
    }
  }
  if (rename(part.c_str(), path.c_str()) != 0) unlink(part.c_str());
}

// "<key>\n<SHA-256 of the rest>\n<serialised database>"
Database deserialize(const std::string& content, const std::string& key) {
  const std::size_t start = key.size() + 1 + 64 + 1;
  if (content.size() <= start || !content.starts_with(key + "\n")) return nullptr;
  const std::string_view body = std::string_view(content).substr(start);
  if (content.compare(key.size() + 1, 64, sha256_hex(body)) != 0) return nullptr;
  hs_database_t* database = nullptr;
  if (hs_deserialize_database(body.data(), body.size(), &database) != HS_SUCCESS) return nullptr;
  return Database(database);
}

std::string path_of(const std::string& directory, const std::string& name) { return directory + "/" + name + ".hsdb"; }

}  // namespace

bool has_cached_database(const std::string& directory, const std::string& name) { return ::access(path_of(directory, name).c_str(), F_OK) == 0; }

Result<Database> cached_database(const PatternList& patterns, const std::string& directory, const std::string& name) {
  if (directory.empty() || patterns.empty()) return patterns.compile();
  const std::string path = path_of(directory, name);
  const std::string key = sha256_hex("cleanerd.hsdb.1/" + vectorscan_target() + "/" + patterns.hash());
  if (const auto content = read_own_file(path))
    if (Database database = deserialize(*content, key)) return database;
  auto database = patterns.compile();
  if (!database) return database;
  char* bytes = nullptr;
  std::size_t size = 0;
  if (hs_serialize_database(database->get(), &bytes, &size) == HS_SUCCESS) {
    const std::string body(bytes, size);
    std::free(bytes);
    std::string content = key;
    content += '\n';
    content += sha256_hex(body);
    content += '\n';
    content += body;
    write_own_file(path, content);
  }
  return database;
}

}  // namespace cleanerd::match

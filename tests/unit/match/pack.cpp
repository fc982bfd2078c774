#include "unit/match/pack.hpp"

#include <archive_entry.h>

namespace cleanerd::match {

std::string pack(int (*format)(archive*), int filter, const Files& files) {
  std::string out(files.empty() ? 4096 : 1 << 20, '\0');
  for (const auto& [name, content] : files) out.resize(out.size() + content.size() + 4096);
  std::size_t used = 0;
  archive* writer = archive_write_new();
  format(writer);
  archive_write_add_filter(writer, filter);
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const auto& [name, content] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_header(writer, entry);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_free(writer);
  out.resize(used);
  return out;
}

std::string debian_package(const Files& files) {
  const std::string data = pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_XZ, files);
  return pack(&archive_write_set_format_ar_svr4, ARCHIVE_FILTER_NONE, {{"data.tar.xz", data}, {"debian-binary", "2.0\n"}});
}

}  // namespace cleanerd::match

#include "match/database.hpp"

#include <mutex>

#include "base/secret_value.hpp"

namespace cleanerd::match {

void PatternList::add_expression(std::string_view expression) {
  offsets_.push_back(text_.size());
  text_.insert(text_.end(), expression.begin(), expression.end());
  text_.push_back('\0');
}

void PatternList::add_literal(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  offsets_.push_back(text_.size());
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    for (const char escaped : {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]}) text_.push_back(escaped);
  }
  text_.push_back('\0');
}

Result<Database> PatternList::compile() const {
  if (empty()) return Database();
  std::vector<const char*> expressions;
  std::vector<unsigned> ids;
  for (std::size_t i = 0; i < offsets_.size(); ++i) {
    expressions.push_back(text_.data() + offsets_[i]);
    ids.push_back(static_cast<unsigned>(i));
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  // No flags: bytes, case as written, '.' is no line end: what RE2 is told too.
  if (hs_compile_multi(expressions.data(), nullptr, ids.data(), static_cast<unsigned>(expressions.size()), HS_MODE_BLOCK, nullptr,
                       &database, &error) == HS_SUCCESS)
    return Database(database);
  const std::unique_ptr<hs_compile_error_t, decltype(&hs_free_compile_error)> owner(error, &hs_free_compile_error);
  return Error(Errc::config, "compile the patterns: " + (error ? "pattern " + std::to_string(error->expression) + ": " + error->message
                                                               : std::string("out of memory")));
}

std::string PatternList::hash() const { return sha256_hex(view(text_)); }

Status prepare_vectorscan() {
  static const hs_error_t state = [] {
    if (const hs_error_t platform = hs_valid_platform(); platform != HS_SUCCESS) return platform;
    if (const hs_error_t set = hs_set_database_allocator(&secure_allocate, &secure_free); set != HS_SUCCESS) return set;
    return hs_set_scratch_allocator(&secure_allocate, &secure_free);
  }();
  if (state == HS_SUCCESS) return {};
  return Error(Errc::unsupported, "Vectorscan does not run on this processor (it needs SSE4.2 or NEON)");
}

std::string vectorscan_target() {
  hs_platform_info_t platform{};
  hs_populate_platform(&platform);
  return std::string(hs_version()) + "/" + std::to_string(platform.tune) + "/" + std::to_string(platform.cpu_features);
}

}  // namespace cleanerd::match

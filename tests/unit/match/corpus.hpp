// Secrets of many formats in files as they lie on build hosts, made anew in each run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cleanerd::match {

struct Format {
  enum class Form { telling, named };  // recognised by itself, or by the name it stands under
  const char* name;
  const char* variable;
  const char* token;  // example.hpp
  Form form = Form::telling;
};
std::span<const Format> corpus_formats();

struct Planted {
  std::string format;
  std::string kind;    // of the file
  std::string path;
  std::string bytes;
  std::string secret;
  std::size_t begin;   // of the secret, however it is spelled
  std::size_t end;
};

// One format's secrets in each kind of file that fits.
std::vector<Planted> planted_files(const Format& format, std::uint64_t seed);

// Passwords in the files that programs keep them in.
std::vector<Planted> planted_credential_files(std::uint64_t seed);

}  // namespace cleanerd::match

// <state_dir>/journal.db: its schema, and the little of SQLite that its users share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace cleanerd::purge {

struct CloseDatabase {
  void operator()(sqlite3* db) const;
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

class Statement {
 public:
  Statement(sqlite3* db, const char* sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  Statement& bind(int at, const std::string& text);
  Statement& bind(int at, std::int64_t number);
  bool row();
  // Runs a statement without rows; ready to run again.
  bool run();
  bool ended_well() const;
  std::string text(int column) const;
  std::int64_t number(int column) const;

 private:
  sqlite3_stmt* statement_ = nullptr;
  int code_;
};

Error journal_failure(sqlite3* db, const char* step);
Status execute(sqlite3* db, const std::string& sql, const char* step);

// Creates the directory (0700) and the database if absent, and brings an older one's schema up. Errc::io when it cannot be written, is no
// journal, or a newer cleanerd's.
Result<Database> open_journal(const std::string& state_dir);
// Null where it cannot be read.
Database open_journal_to_read(const std::string& state_dir);

}  // namespace cleanerd::purge

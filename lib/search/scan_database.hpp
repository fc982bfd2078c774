// scan.db as a database: its tables, how it is opened and made anew, and statements.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace cleanerd::search {

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// Binds and steps; text that is no UTF-8 goes as a blob.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    state_ = sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
    if (state_ == SQLITE_OK) statement_.reset(statement);
  }
  Statement& text(int column, std::string_view value) {
    if (statement_) sqlite3_bind_text(statement_.get(), column, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& blob(int column, std::string_view value) {
    if (statement_) sqlite3_bind_blob(statement_.get(), column, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& number(int column, std::uint64_t value) {
    if (statement_) sqlite3_bind_int64(statement_.get(), column, static_cast<sqlite3_int64>(value));
    return *this;
  }
  bool row() { return statement_ && (state_ = sqlite3_step(statement_.get())) == SQLITE_ROW; }
  // A table that is missing counts as damage, too.
  bool met_damage() const { return state_ == SQLITE_CORRUPT || state_ == SQLITE_NOTADB || (!statement_ && state_ == SQLITE_ERROR); }
  bool ended_well() const { return state_ == SQLITE_DONE; }
  bool run() {
    const bool done = statement_ && sqlite3_step(statement_.get()) == SQLITE_DONE;
    if (statement_) sqlite3_reset(statement_.get());
    return done;
  }
  std::uint64_t number_at(int i) { return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), i)); }
  std::string column(int i) {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), i));
    return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), i))) : std::string();
  }

 private:
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement_;
  int state_ = SQLITE_OK;
};

bool execute(sqlite3* db, const char* sql);

// Grows with each transaction that saves something, and starts anywhere: tells whether others have saved since. 0 where it cannot be read.
std::uint64_t generation_of(sqlite3* db);
std::uint64_t next_generation(std::uint64_t generation);
bool begin_generation(sqlite3* db, std::uint64_t generation);

// <state_dir>/scan.db with the tables of this version. A file that is damaged, another version's or a link is made anew. Null where it cannot be
// had now.
Database open_scan_database(const std::string& state_dir);
// The same, whatever there is now thrown away.
Database make_scan_database_anew(const std::string& state_dir);

}  // namespace cleanerd::search

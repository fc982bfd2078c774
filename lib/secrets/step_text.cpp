#include "secrets/step_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <unordered_set>

#include "base/text.hpp"

namespace cleanerd::secrets {
namespace {

// Ways to cut an ambiguous text that are tried from one place: more would take a hostile text's time and memory, squared.
constexpr std::size_t kMostCuts = 64;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

// Length of the identifier at the front.
std::size_t name_length(std::string_view text) {
  if (text.empty() || !is_name_start(text[0])) return 0;
  std::size_t length = 1;
  while (length < text.size() && is_name_part(text[length])) ++length;
  return length;
}

// `|N ` at the front: N, and what follows.
std::optional<std::size_t> take_count(std::string_view& text) {
  if (text.starts_with("RUN ")) text.remove_prefix(4);
  if (!text.starts_with('|')) return std::nullopt;
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), count);
  if (error != std::errc{} || end == text.data() + text.size() || *end != ' ') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end + 1 - text.data()));
  return count;
}

// Where words of the form NAME= begin.
std::vector<std::size_t> assignment_starts(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i != 0 && text[i - 1] != ' ') continue;
    const std::size_t length = name_length(text.substr(i));
    if (length != 0 && i + length < text.size() && text[i + length] == '=') starts.push_back(i);
  }
  return starts;
}

// Where the command can begin behind the arguments, ascending.
struct CommandStarts {
  std::vector<std::size_t> at;
  bool by_shell = false;  // otherwise the exec form, whose first word can be anything
};

// The first shell by its name, where it stands before the first by its path, and that one.
CommandStarts command_starts(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kPaths = {"/bin/sh -", "/bin/bash -", "/bin/ash -", "/bin/dash -", "/bin/zsh -", "/usr/bin/bash -",
                                                              "/usr/bin/env ", "/bin/sh ", "/bin/bash ", "/bin/ash "};
  static constexpr std::array<std::string_view, 5> kNames = {"sh -", "bash -", "ash -", "dash -", "zsh -"};
  CommandStarts starts;
  for (auto blank = text.find(' '); blank != std::string_view::npos; blank = text.find(' ', blank + 1)) {
    const std::string_view word = text.substr(blank + 1);
    const auto begins_word = [&](std::string_view shell) { return word.starts_with(shell); };
    const bool by_path = word.starts_with('/');
    if (by_path ? !std::ranges::any_of(kPaths, begins_word) : !starts.at.empty() || !std::ranges::any_of(kNames, begins_word)) continue;
    starts.at.push_back(blank + 1);
    if (by_path) break;
  }
  starts.by_shell = !starts.at.empty();
  if (starts.by_shell) return starts;
  if (const auto path = text.find(" /"); path != std::string_view::npos) starts.at.push_back(path + 1);
  starts.at.push_back(text.size());
  return starts;
}

std::string_view trim_blanks_behind(std::string_view text) {
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

Assignment assignment(std::string_view word) {
  const auto equals = word.find('=');
  return {std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))};
}

// Length of the `$(command)` or `command` in backquotes at the front, 0 when there is none.
std::size_t substitution_length(std::string_view text) {
  if (text.starts_with('`')) return std::min(text.find('`', 1), text.size() - 1) + 1;
  if (!text.starts_with("$(")) return 0;
  std::size_t open = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '(') ++open;
    if (text[i] == ')' && --open == 0) return i + 1;
  }
  return text.size();
}

// A shell word that starts at `at`: its text without quotes, and whether anything in it is expanded.
struct Word {
  std::string text;
  bool literal = true;
  std::size_t end = 0;
};

Word shell_word(std::string_view text, std::size_t at) {
  static constexpr std::string_view kEnd = " \t\n;&|()<>";
  Word word;
  char quote = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quote == 0 && kEnd.find(c) != std::string_view::npos) break;
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && at + 1 < text.size()) {
      word.text += text[++at];
    } else if (const std::size_t length = quote == '\'' ? 0 : substitution_length(text.substr(at)); length != 0) {
      word.literal = false;
      word.text += text.substr(at, length);
      at += length - 1;
    } else {
      if ((c == '$' || c == '`') && quote != '\'') word.literal = false;
      word.text += c;
    }
  }
  word.end = at;
  return word;
}

// The word before `at` in the same simple command; empty where a command begins.
std::string_view word_before(std::string_view command, std::size_t at) {
  const std::string_view before = trim_blanks_behind(command.substr(0, at));
  const auto start = before.find_last_of(" \t\n;&|({");
  return start == std::string_view::npos ? before : before.substr(start + 1);
}

// `-c`, `-ec`, `-lc`: a command follows, as in `/bin/sh -c …`.
bool is_command_option(std::string_view word) { return word.starts_with('-') && word.ends_with('c') && !word.starts_with("--"); }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// What follows an assignment that ends at `end` is no command that it would be set for alone (`A=x B=y make`).
bool is_whole_command(std::string_view command, std::size_t end) {
  for (;;) {
    while (end < command.size() && (command[end] == ' ' || command[end] == '\t')) ++end;
    if (end == command.size() || contains(";&|)}\n#", command.substr(end, 1))) return true;
    const std::size_t length = name_length(command.substr(end));
    if (length == 0 || end + length == command.size() || command[end + length] != '=') return false;
    end = shell_word(command, end + length + 1).end;
  }
}

// Names that a command has set by itself so far. What stands behind `&&` is set only for the rest of that chain, what stands
// behind `||` or in a branch, or before a command as its environment, is not: when in doubt the name still means the argument.
class OwnNames {
 public:
  explicit OwnNames(std::string_view command) : command_(command) {}

  void assigned(std::string_view name, std::size_t at, std::size_t end) {
    const std::string_view before = trim_blanks_behind(command_.substr(0, at));
    const std::string_view word = word_before(command_, at);
    const bool goes_on = before.size() == last_end_ && last_end_ != 0;  // A=x B=y
    const bool declared = is_one_of(word, {"export", "local", "readonly", "declare", "typeset"}) || (goes_on && last_declared_);
    const bool begins = !before.ends_with("||") && (word.empty() || word == "do" || is_command_option(word));
    if (!goes_on) last_stays_ = begins || declared;
    const std::string_view behind_keyword = declared && !goes_on ? trim_blanks_behind(before.substr(0, before.size() - word.size())) : before;
    if (!goes_on) last_chained_ = behind_keyword.ends_with("&&");
    last_declared_ = declared;
    last_end_ = end;
    if (last_stays_ && (declared || is_whole_command(command_, end))) pending_.push_back({end, std::string(name), last_chained_});
  }
  void read_into(std::string_view name) { always_.emplace_back(name); }

  // The scan has come to `at`.
  void reached(std::size_t at) {
    for (auto one = pending_.begin(); one != pending_.end();) {
      if (one->end > at) {
        ++one;
        continue;
      }
      (one->chained ? in_chain_ : always_).push_back(std::move(one->name));
      one = pending_.erase(one);
    }
    const char c = command_[at];
    if (c == ';' || c == '\n' || (c == '|' && at > 0 && command_[at - 1] == '|')) in_chain_.clear();
  }
  bool hold(std::string_view name) const {
    return std::ranges::find(always_, name) != always_.end() || std::ranges::find(in_chain_, name) != in_chain_.end();
  }

 private:
  struct Pending {
    std::size_t end;  // of the word: NAME=$NAME still uses the argument
    std::string name;
    bool chained;
  };
  std::string_view command_;
  std::vector<Pending> pending_;
  std::vector<std::string> always_, in_chain_;
  std::size_t last_end_ = 0;
  bool last_stays_ = false, last_declared_ = false, last_chained_ = false;
};

// NAME of `for NAME in …` or `read [-r] NAME` where `word` at `at` begins one.
std::string_view loop_variable(std::string_view command, std::size_t at, std::string_view word) {
  const std::string_view before = word_before(command, at);
  const bool begins = before.empty() || contains(before, "=") || is_command_option(before) || is_one_of(before, {"while", "until", "do", "then", "if", "!"});
  if ((word != "for" && word != "read") || !begins) return {};
  std::string_view rest = command.substr(at + word.size());
  while (rest.starts_with(' ') || rest.starts_with('-')) rest.remove_prefix(std::min<std::size_t>(rest.size(), rest.front() == '-' ? 2 : 1));
  const std::string_view name = rest.substr(0, name_length(rest));
  const std::string_view behind = trim(rest.substr(name.size()));
  return word == "read" || behind.starts_with("in ") || behind.starts_with(';') ? name : std::string_view();
}

bool starts_word(std::string_view text, std::size_t at) {
  return at == 0 || !(is_name_part(text[at - 1]) || text[at - 1] == '$' || text[at - 1] == '{');
}

}  // namespace

std::vector<Assignment> build_arguments(std::string_view text) {
  const auto count = take_count(text);
  if (!count || *count == 0) return {};
  const CommandStarts commands = command_starts(text);
  std::vector<Assignment> found;
  std::unordered_set<std::string_view> seen;
  const auto add = [&](std::string_view word) {
    word = trim_blanks_behind(word);
    if (seen.insert(word).second) found.push_back(assignment(word));
  };
  for (const std::size_t command : commands.at) {
    const std::string_view arguments = trim(text.substr(0, command));
    const auto starts = assignment_starts(arguments);
    const bool ambiguous = starts.size() > *count;
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const std::string_view rest = arguments.substr(starts[i]);
      const auto up_to = [&](std::size_t j) { return j < starts.size() ? rest.substr(0, starts[j] - starts[i]) : rest; };
      add(up_to(i + 1));
      // Some of the words belong to the value before them: every longer cut, up to the whole rest.
      if (ambiguous && i < kMostCuts) {
        for (std::size_t j = i + 2; j < std::min(starts.size(), i + kMostCuts); ++j) add(up_to(j));
        add(rest);
      }
      if (!commands.by_shell && i + 1 == starts.size()) add(rest.substr(0, rest.find(' ')));
    }
  }
  return found;
}

std::vector<Assignment> build_arguments(const std::vector<std::string>& command) {
  if (command.empty() || !command[0].starts_with('|')) return {};
  std::size_t count = 0;
  std::from_chars(command[0].data() + 1, command[0].data() + command[0].size(), count);
  std::vector<Assignment> found;
  for (std::size_t i = 1; i <= count && i < command.size(); ++i)
    if (contains(command[i], "=")) found.push_back(assignment(command[i]));
  return found;
}

std::string_view command_of(std::string_view text) {
  std::string_view rest = text;
  if (take_count(rest)) return rest.substr(command_starts(rest).at.front());
  return text.starts_with("RUN ") ? text.substr(4) : text;
}

Declaration declaration(std::string_view text) {
  static constexpr std::string_view kNop = "/bin/sh -c #(nop)";
  if (text.starts_with(kNop)) text = trim(text.substr(kNop.size()));
  Declaration found;
  for (const std::string_view instruction : {"ENV ", "ARG ", "LABEL "})
    if (text.starts_with(instruction)) found.instruction = std::string(trim(instruction));
  if (found.instruction.empty()) return found;
  text = trim(text.substr(found.instruction.size()));

  const std::size_t first_word = std::min(text.find_first_of(" ="), text.size());
  if (first_word < text.size() && text[first_word] == ' ' && found.instruction == "ENV") {  // ENV NAME the rest
    found.assignments.push_back({std::string(text.substr(0, first_word)), std::string(trim(text.substr(first_word)))});
    return found;
  }
  // The engine writes the values unquoted, so a value runs to the next NAME= or the end.
  std::size_t at = 0;
  while (at < text.size()) {
    const auto equals = text.find('=', at);
    if (equals == std::string_view::npos) break;
    const std::string name(trim(text.substr(at, equals - at)));
    std::size_t end = equals + 1;
    if (end < text.size() && (text[end] == '"' || text[end] == '\'')) {
      const auto close = text.find(text[end], end + 1);
      end = close == std::string_view::npos ? text.size() : close + 1;
    } else {
      for (;; ++end) {
        end = std::min(text.find(' ', end), text.size());
        if (end == text.size()) break;
        const auto next_equals = text.find('=', end);
        if (next_equals == std::string_view::npos) {
          end = text.size();
          break;
        }
        if (text.substr(end + 1, next_equals - end - 1).find(' ') == std::string_view::npos) break;
      }
    }
    std::string_view value = text.substr(equals + 1, end - equals - 1);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.front() == value.back())
      value = value.substr(1, value.size() - 2);
    found.assignments.push_back({name, std::string(value)});
    at = end + 1;
  }
  return found;
}

std::vector<Assignment> literal_assignments(std::string_view command) {
  std::vector<Assignment> found;
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (!starts_word(command, i)) continue;
    const std::size_t length = name_length(command.substr(i));
    if (length == 0) continue;
    if (i + length < command.size() && command[i + length] == '=') {
      const Word word = shell_word(command, i + length + 1);
      if (word.literal && !word.text.empty()) found.push_back({std::string(command.substr(i, length)), word.text});
    }
    i += length - 1;
  }
  return found;
}

std::vector<std::string> variables_used(std::string_view command) {
  std::vector<std::string> used;
  OwnNames own(command);
  for (std::size_t i = 0; i < command.size(); ++i) {
    own.reached(i);
    if (command[i] == '\\') {
      ++i;
      continue;
    }
    if (command[i] == '$') {
      std::size_t at = i + 1;
      if (at < command.size() && command[at] == '{') ++at;
      if (at < command.size() && (command[at] == '#' || command[at] == '!')) ++at;
      const std::size_t length = name_length(command.substr(std::min(at, command.size())));
      if (length == 0) continue;
      const std::string_view name = command.substr(at, length);
      if (!own.hold(name) && std::ranges::find(used, name) == used.end()) used.emplace_back(name);
      i = at + length - 1;
      continue;
    }
    if (!starts_word(command, i)) continue;
    const std::size_t length = name_length(command.substr(i));
    if (length == 0) continue;
    const std::string_view name = command.substr(i, length);
    const std::size_t after = i + length;
    if (after < command.size() && command[after] == '=') own.assigned(name, i, shell_word(command, after + 1).end);
    else if (const auto target = loop_variable(command, i, name); !target.empty()) own.read_into(target);
    i += length - 1;
  }
  return used;
}

}  // namespace cleanerd::secrets

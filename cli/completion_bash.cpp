#include "cli/completion.hpp"

namespace cleanerd::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string values_of(const OptionEntry& option) {
  switch (value_kind(option)) {
    case ValueKind::choice: return "kind=words words=" + shell_quoted(joined(option.choices));
    case ValueKind::file: return "kind='file'";
    case ValueKind::directory: return "kind='directory'";
    case ValueKind::variable: return "kind='export'";
    case ValueKind::command: return "kind='command'";
    case ValueKind::any: break;
  }
  return "kind=''";
}

struct Tables {
  std::string known;   // what may stand after each command
  std::string values;  // what each option takes
};

void add(const CommandEntry& command, const std::string& path, Tables& tables) {
  std::vector<std::string> names, options;
  for (const CommandEntry& child : command.commands) names.push_back(child.name);
  for (const OptionEntry& option : command.options) {
    options.insert(options.end(), option.names.begin(), option.names.end());
    if (option.value.empty()) continue;
    std::string pattern;
    for (const std::string& name : option.names) pattern += (pattern.empty() ? "" : " | ") + shell_quoted(path + " " + name);
    tables.values += "    " + pattern + ") " + values_of(option) + " ;;\n";
  }
  tables.known += "    " + shell_quoted(path) + ") commands=" + shell_quoted(joined(names)) + " options=" + shell_quoted(joined(options));
  if (!command.arguments.empty()) tables.known += " " + values_of(command.arguments.back());
  tables.known += " ;;\n";
  for (const CommandEntry& child : command.commands) add(child, path.empty() ? child.name : path + " " + child.name, tables);
}

constexpr const char* kCompletion = R"~(
_cleanerctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} path='' word commands options kind words i
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $prev == '=' ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -- ]]; then
      mapfile -t COMPREPLY < <(compgen -A command -A file -- "$cur")
      return
    elif [[ $word == -* ]]; then
      if _cleanerctl_value "$path" "$word"; then
        [[ ${COMP_WORDS[i + 1]} != '=' ]] || i=$((i + 1))
        i=$((i + 1))
      fi
    else
      _cleanerctl_known "$path"
      [[ " $commands " != *" $word "* ]] || path=${path:+$path }$word
    fi
  done
  kind='' words=''
  if ! _cleanerctl_value "$path" "$prev"; then
    _cleanerctl_known "$path"
    if [[ $cur == -* ]]; then
      kind=words words=$options
    elif [[ $commands ]]; then
      kind=words words=$commands
    fi
  fi
  case $kind in
    words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
    '') ;;
    *)
      mapfile -t COMPREPLY < <(compgen -A "$kind" -- "$cur")
      # Outside of a completion, as when a test calls the function, there is no compopt.
      [[ $kind != file && $kind != directory ]] || compopt -o filenames 2>/dev/null || true
      ;;
  esac
}
complete -F _cleanerctl cleanerctl
)~";

}  // namespace

std::string bash_completion(const CommandEntry& program) {
  Tables tables;
  add(program, "", tables);
  return "# bash completion for cleanerctl                           -*- shell-script -*-\n"
         "# shellcheck shell=bash\n"
         "_cleanerctl_known() {\n  kind='' words=''\n  case $1 in\n" + tables.known + "  esac\n}\n\n"
         "_cleanerctl_value() {\n  case \"$1 $2\" in\n" + tables.values + "    *) return 1 ;;\n  esac\n}\n" + kCompletion;
}

}  // namespace cleanerd::cli

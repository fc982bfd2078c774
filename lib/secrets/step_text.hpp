// What the text of a build step tells: Docker's history entries (`created_by`), BuildKit's record descriptions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cleanerd::secrets {

struct Assignment {
  std::string name;
  std::string value;
  friend bool operator==(const Assignment&, const Assignment&) = default;
};

// The build arguments of a RUN step: `|2 A=x B=y /bin/sh -c …` (classic builder) or `RUN |2 A=x B=y /bin/sh -c … # buildkit`.
// The engine joins them with spaces and quotes nothing (moby daemon/builder/dockerfile/dispatchers.go, buildkit
// dockerfile2llb runCommandString), so a value that holds spaces can be cut in more than one way: then each way is given.
std::vector<Assignment> build_arguments(std::string_view created_by);

// The same from the command as a list (`container_config.Cmd`), where nothing is ambiguous.
std::vector<Assignment> build_arguments(const std::vector<std::string>& command);

// The command of a RUN step without its build arguments; other steps as they are.
std::string_view command_of(std::string_view created_by);

// `ENV A=x B="y z"`, `ENV A x`, `ARG A=x`, `LABEL a=b`, also behind the classic builder's `/bin/sh -c #(nop) `.
// `instruction` is upper case and empty when the text is none of these.
struct Declaration {
  std::string instruction;
  std::vector<Assignment> assignments;
};
Declaration declaration(std::string_view created_by);

// `NAME=value` words with a literal value in a shell command, quotes taken off.
std::vector<Assignment> literal_assignments(std::string_view command);

// Names that a shell command uses (`$NAME`, `${NAME…}`) before it sets them itself, each once, in order.
std::vector<std::string> variables_used(std::string_view command);

}  // namespace cleanerd::secrets

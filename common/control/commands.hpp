#pragma once
// The command table: every verb of jlctl and every call of the control socket, once. jlctl builds its tree, help,
// completion and man pages from it; jlinkd dispatches and checks roles by it.
#include "common/model/resource.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jl::control {

/// Who may call. Each role may do what the ones before it may.
enum class Role : std::uint8_t { none, viewer, operator_, admin };
[[nodiscard]] std::string_view to_string(Role role);
[[nodiscard]] std::optional<Role> role_from(std::string_view word);

/// Where a flag's value goes.
enum class Where : std::uint8_t {
  query,  ///< ?key=value
  body,   ///< a member of the JSON body
  local,  ///< jlctl itself
};

/// One flag of a verb, besides those that a kind's fields give to add and edit.
struct Flag {
  std::string name;     ///< without dashes: "if-revision"
  std::string value{};  ///< placeholder: "N", "DURATION", "FILE", "ID"; "" = no value
  std::string help{};
  Where where = Where::query;
  std::string key{};  ///< of the query or body; default: camelCase of the name
  char short_name = 0;
  bool repeated = false;
  std::vector<std::string> words{};  ///< legal values
  std::string completes{};           ///< kind whose ids complete the value
};

/// One positional argument.
struct Argument {
  std::string name;  ///< "ID"
  std::string help{};
  std::string completes{};  ///< kind whose ids complete it, or "kind", "command"
  bool optional = false;
  bool repeated = false;
  std::string query{};  ///< parameter that it becomes; "" = it goes elsewhere: into the path or the body
};

/// One verb.
struct Command {
  std::string noun;  ///< "" for top-level verbs such as apply
  std::string verb;
  std::vector<std::string> aliases{};
  std::string summary;
  std::string description{};
  std::string method{};  ///< "" = answered by jlctl alone
  std::string path{};    ///< "/v1/networks/{id}"
  Role role = Role::viewer;
  bool mutates = false;      ///< leaves an access-log record, takes --if-revision and --request-id
  bool streams = false;      ///< the reply is newline-delimited JSON without an end of its own
  bool dangerous = false;    ///< may cut live sessions or lose data: asks first
  bool spec_flags = false;   ///< takes the fields of its kind as flags
  std::string only_below{};  ///< of those fields, only what is below this object of the spec
  bool large_body = false;
  bool upload = false;  ///< the body is a file's bytes, kept on disk as they come; ?purpose= says what for
  bool hidden = false;  ///< no verb of jlctl: it has a name for the log, but only other programs call it
  std::vector<Argument> arguments{};
  std::vector<Flag> flags{};
  std::vector<std::string> examples{};  ///< complete command lines
  const model::Kind* kind = nullptr;

  /// Whether people type it; the other rows are calls that only programs make.
  [[nodiscard]] bool is_verb() const { return !verb.empty() && !hidden; }
  /// "network add", "apply".
  [[nodiscard]] std::string label() const { return noun.empty() ? verb : noun + " " + verb; }
};

[[nodiscard]] std::span<const Command> commands();
[[nodiscard]] const Command* find_command(std::string_view noun, std::string_view verb);

/// Flags that every command takes.
[[nodiscard]] std::span<const Flag> global_flags();

/// A request's method and path matched against the table.
struct Route {
  const Command* command = nullptr;
  std::string id{};         ///< {id} of the path, percent-decoded
  bool path_known = false;  ///< some command has this path, with another method
};
[[nodiscard]] Route route(std::string_view method, std::string_view path);

}  // namespace jl::control

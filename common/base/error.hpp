#pragma once
// What can go wrong, once, for jlinkd and jlctl: a stable word, the exit codes, the HTTP status, and whether trying
// again can help. Everything that reports an error to a person or a script takes it from here.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl {

/// The stable error words of the product. The order is the order of `jlctl help errors`.
enum class Errc : std::uint8_t {
  // general
  failed,
  usage,
  not_found,
  already_exists,
  conflict,
  revision_mismatch,
  request_id_mismatch,
  invalid,
  unknown_field,
  immutable_field,
  unsupported,
  in_use,
  enabled,
  disabled,
  denied,
  unavailable,
  not_running,
  no_socket,
  socket_denied,
  busy,
  timeout,
  version_mismatch,
  job_failed,
  partial,
  unconfirmed,
  differs,
  too_large,
  sign_mismatch,
  rate_limited,
  bad_request,
  method_not_allowed,
  storage,
  corrupt,
  address_in_use,
  network,
  interrupted,
  output,
  // device commands (access.md 5.7)
  device_offline,
  connection_lost,
  no_reply,
  unsupported_message,
  parameter_error,
  parameter_undefined,
  function_undefined,
  property_undefined,
  unknown_parent_device,
  cyclic_dependence,
  server_not_available,
  system_busy,
  device_error,
  device_not_activated,
  secret_missing,
  disconnect_limit,
  count_  // not an error: how many there are
};

/// One row of the error table.
struct ErrcInfo {
  Errc code;
  std::string_view word;     ///< what scripts see, e.g. "not_found"
  int exit_code;             ///< exit code of jlctl
  int sysexit;               ///< exit code of jlinkd when this stops it (sysexits.h)
  int http_status;           ///< status on the control socket
  bool retryable;            ///< trying the same call again later can succeed
  std::string_view meaning;  ///< one line for people
};

/// The whole table, one row per Errc, in enum order.
[[nodiscard]] std::span<const ErrcInfo> errc_table();
/// The row of one code.
[[nodiscard]] const ErrcInfo& info(Errc code);
/// The code of a word, if there is one.
[[nodiscard]] std::optional<Errc> errc_from_word(std::string_view word);

/// Where in a file a problem stands. Lines and columns count from 1; a column of 0 is not known.
struct SourcePosition {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool operator==(const SourcePosition&) const = default;
};

/// One thing wrong with one field. Validation collects them all before it fails.
struct Problem {
  std::string field;    ///< path such as "spec.configuration.port"
  std::string message;  ///< lower case, no full stop
  Errc code = Errc::invalid;
  std::string object{};  ///< "network/mqtt-1" when several objects were validated together
  std::optional<SourcePosition> position{};
  bool operator==(const Problem&) const = default;
};

/// A failure: which word, what happened to which object, and what to do next.
struct Error {
  Errc code = Errc::failed;
  std::string message{};            ///< lower case, no full stop, objects in quotes
  std::string hint{};               ///< a command or a file to look at; may be empty
  std::string field{};              ///< the field at fault, if one is
  std::vector<Problem> problems{};  ///< every problem of a validation
  /// Names and texts that scripts find besides these, such as "expected" and "actual"; few, and of names of their own.
  std::vector<std::pair<std::string, std::string>> members{};

  Error() = default;
  Error(Errc c, std::string m, std::string h = {}, std::string f = {})
      : code(c), message(std::move(m)), hint(std::move(h)), field(std::move(f)) {}
  [[nodiscard]] bool retryable() const { return info(code).retryable; }
  [[nodiscard]] std::string_view word() const { return info(code).word; }
};

/// One error out of all problems of a validation: the first problem's code and field, and the whole list.
[[nodiscard]] Error error_from_problems(std::vector<Problem> problems);

}  // namespace jl

#pragma once
// The one gate of the control socket: who may make which call, judged by the head of a request and the command table.
// Nothing behind it asks for roles again. Pure: no sockets, no Asio.
#include "common/control/sign.hpp"
#include "daemon/control/request.hpp"
#include "daemon/control/roles.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jl::control {

/// What the gate looks at. Header texts are "" when the header is not there.
struct RequestHead {
  std::string_view method, target;
  int version = 11;  ///< of HTTP, times ten
  std::string_view client_api, content_type, expect, transfer_encoding;
  std::size_t hosts = 1;                        ///< how many Host headers
  std::optional<std::uint64_t> content_length;  ///< without one and without chunks there is no body
  bool is_chunked = false;
};

/// On what terms a file is taken.
struct UploadTerms {
  std::uint64_t max_size = 0;  ///< bytes
  bool with_md5 = false;       ///< its MD5 is kept with it
  std::optional<Sign> sign;    ///< what it must have
};

struct Admission {
  const Command* command = nullptr;  ///< known for refused calls too, once the path was understood
  std::string path, id;
  Query query;
  std::uint64_t max_body = 0;    ///< bytes that the body may have
  UploadTerms upload;            ///< of a command that takes a file
  std::optional<Error> refusal;  ///< what to answer instead of making the call
  std::string allow;             ///< for method_not_allowed: what the path takes
};

/// Judges one call.
[[nodiscard]] Admission admit(const RequestHead& head, const Caller& caller);

/// The role that a call needs: its command's, or a higher one for what a parameter adds.
[[nodiscard]] Role role_needed(const Command& command, const Query& query);
/// Whether the access log gets a record of the call, however it ends.
[[nodiscard]] bool is_recorded(const Command& command, const Query& query);

}  // namespace jl::control

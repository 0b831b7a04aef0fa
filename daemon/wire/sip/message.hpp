#pragma once
// SIP messages (RFC 3261) over libosip2's parser: bounded on the way in, formatted on the way out. Pure.
#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::wire::sip {

inline constexpr std::size_t kMaxMessage = 65'535;  ///< bytes
inline constexpr std::size_t kMaxHeaders = 64;
inline constexpr std::size_t kMaxVias = 8;

/// Credentials of a Digest (RFC 2617 §3.2.2, RFC 3261 §22.4), unquoted.
struct DigestCredentials {
  std::string username, realm, nonce, uri, response, algorithm, qop, nc, cnonce;
};

/// One message, request or response. Names of users and hosts are as they stood, without angle brackets.
struct Message {
  // Request
  std::string method;  ///< "" = a response
  std::string uri;     ///< "sip:34020000002000000001@3402000000"
  // Response
  int status = 0;
  std::string reason;
  // Both
  std::vector<std::string> vias;  ///< whole values, topmost first
  std::string from, to;           ///< whole values, tags included
  std::string call_id;
  std::uint32_t cseq = 0;
  std::string cseq_method;
  std::string contact;  ///< whole value
  std::vector<std::pair<std::string, std::string>>
      headers;  ///< further ones to send: Subject, Date, WWW-Authenticate ...
  std::string content_type, body;

  // What parse() takes out of the above:
  std::string branch;  ///< of the topmost Via
  std::string from_user, from_host, from_tag, to_user, to_tag;
  std::string uri_user;                  ///< of the request URI
  std::string contact_uri;               ///< without brackets and parameters of the header: a request's target
  std::optional<std::uint32_t> expires;  ///< Expires, or the Contact's own, which wins (§10.2.1.1)
  std::string user_agent;
  std::optional<DigestCredentials> authorization;

  [[nodiscard]] bool is_request() const { return !method.empty(); }
  /// The first of `headers`, by its name in any case; "" = absent. parse() puts Subject, Event, Date, X-... there.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// Errors: invalid (says what is wrong, never echoes more than 64 bytes of it), too_large.
[[nodiscard]] Result<Message> parse(std::string_view bytes);
/// The bytes of a message, with Content-Length. Members with line breaks are an error. Errors: invalid.
[[nodiscard]] Result<std::string> format(const Message& message);

/// The answer to a request: its Vias (received and rport filled in by the source, RFC 3581), From, To with a tag,
/// Call-ID and CSeq.
[[nodiscard]] Message answer_to(const Message& request, int status, std::string_view reason,
                                std::string_view source_host, std::uint16_t source_port, std::string_view to_tag);

}  // namespace jl::wire::sip

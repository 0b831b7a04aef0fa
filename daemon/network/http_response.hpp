#pragma once
// How answers are written: status line, fields and body, appended to what a connection sends. Pure.
#include "common/base/time.hpp"
#include "daemon/network/http_server.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

/// The fields that every response of a component has, rendered once. They stand in for the server's own of the same
/// name, except for those that say where a message ends or what the connection does next: those are left out.
class HttpFixedFields {
 public:
  HttpFixedFields() = default;
  explicit HttpFixedFields(const std::map<std::string, std::string>& headers);
  [[nodiscard]] const std::string& text() const { return text_; }
  /// Whether there is a field of this name, in lower case.
  [[nodiscard]] bool has(std::string_view lower_name) const;
  bool has_date = false, has_content_type = false, has_allow = false, has_retry_after = false;

 private:
  std::string text_;
  std::vector<std::string> names_;  // in lower case
};

/// What a response depends on besides itself.
struct HttpExchange {
  int version = 11;      ///< of the request
  bool is_head = false;  ///< the request was HEAD: no body, but its length
  bool closes = false;   ///< the connection ends with it
};

/// Whether a response carries its body or file: not to HEAD, and not with 204 and 304 (RFC 9110 §6.4.1).
[[nodiscard]] bool sends_content(const HttpResponse& response, const HttpExchange& exchange);
/// Appends a whole response, but of one with a file only what comes before the file's bytes. A status outside of 200 to
/// 599 becomes 500.
void append_response(std::string& out, const HttpResponse& response, const HttpExchange& exchange,
                     const HttpFixedFields& fixed, Millis now);
/// Appends a response of the server's own: `{"success":false,"code":"bad_request","message":"..."}`. The detail is a
/// literal without anything that JSON escapes. 426 names what to upgrade to.
void append_problem(std::string& out, int status, std::string_view detail, const HttpExchange& exchange,
                    const HttpFixedFields& fixed, Millis now);
/// 100 (RFC 9110 §15.2.1).
void append_continue(std::string& out);
/// 101 (RFC 6455 §4.2.2). `extensions` may be empty.
void append_switching(std::string& out, std::string_view accept, std::string_view extensions,
                      const HttpFixedFields& fixed, Millis now);

}  // namespace jl::network

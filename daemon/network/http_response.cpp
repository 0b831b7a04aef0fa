#include "daemon/network/http_response.hpp"

#include "common/base/words.hpp"
#include "daemon/network/http_text.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>

namespace jl::network {
namespace {

constexpr int kRetryAfter = 1;  // seconds, of a server that is full or cannot write its log

std::string_view reason_of(int status) {
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {reason.data(), reason.size()};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// Fields that frame a message or steer the connection are the server's own business.
bool is_reserved(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kReserved{"connection", "content-length",    "keep-alive",
                                                             "trailer",    "transfer-encoding", "upgrade"};
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end() || name.starts_with("sec-websocket-");
}

bool may_be_sent(std::string_view name, std::string_view lower, std::string_view value) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char) && !is_reserved(lower) &&
         is_field_text(value);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) out.push_back(is_control(c) ? ' ' : c);
  out.append("\r\n");
}

void append_start(std::string& out, int status, const HttpFixedFields& fixed, Millis now) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", status, reason_of(status));
  if (!fixed.has_date) append_field(out, "Date", http_date(now));
}

// RFC 9112 §9.3: in 1.1 a connection goes on unless told otherwise, in 1.0 it ends.
std::string_view connection_of(const HttpExchange& exchange, bool names_upgrade) {
  if (names_upgrade) return exchange.closes ? "Upgrade, close" : "Upgrade";
  if (exchange.closes) return "close";
  return exchange.version < 11 ? "keep-alive" : "";
}

std::string_view code_of(int status) {
  switch (status) {
    case 408:
      return "request_timeout";
    case 413:
      return "body_too_large";
    case 414:
      return "target_too_long";
    case 417:
      return "expectation_failed";
    case 426:
      return "upgrade_required";
    case 431:
      return "header_too_large";
    case 501:
      return "not_implemented";
    case 503:
      return "unavailable";
    case 505:
      return "version_not_supported";
    default:
      return "bad_request";
  }
}

int status_of(const HttpResponse& response) {
  return response.status >= 200 && response.status <= 599 ? response.status : 500;
}

bool has_content_length(int status) { return status != 204 && status != 304; }  // RFC 9110 §15.3.5, §15.4.5

void append_headers(std::string& out, const std::vector<std::pair<std::string, std::string>>& headers,
                    const HttpFixedFields& fixed) {
  for (const auto& [name, value] : headers) {
    const std::string lower = to_lower(name);
    if (may_be_sent(name, lower, value) && !fixed.has(lower)) append_field(out, name, value);
  }
}

}  // namespace

bool sends_content(const HttpResponse& response, const HttpExchange& exchange) {
  return has_content_length(status_of(response)) && !exchange.is_head;
}

void append_response(std::string& out, const HttpResponse& response, const HttpExchange& exchange,
                     const HttpFixedFields& fixed, Millis now) {
  const int status = status_of(response);
  const bool may_have_body = has_content_length(status);
  const std::uint64_t length = response.file ? response.file->length : response.body.size();
  append_start(out, status, fixed, now);
  if (may_have_body && (length > 0 || response.file) && !response.content_type.empty() && !fixed.has_content_type) {
    append_field(out, "Content-Type", response.content_type);
  }
  if (may_have_body) fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", length);
  if (!response.allow.empty() && !fixed.has_allow) append_field(out, "Allow", response.allow);
  if (response.retry_after > 0 && !fixed.has_retry_after) {
    append_field(out, "Retry-After", std::to_string(response.retry_after));
  }
  if (!response.headers.empty()) append_headers(out, response.headers, fixed);
  if (status == 426) out.append("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  const std::string_view connection = connection_of(exchange, status == 426);
  if (!connection.empty()) append_field(out, "Connection", connection);
  out.append(fixed.text()).append("\r\n");
  if (response.file == nullptr && sends_content(response, exchange)) out.append(response.body);
}

bool HttpFixedFields::has(std::string_view lower_name) const {
  return std::find(names_.begin(), names_.end(), lower_name) != names_.end();
}

HttpFixedFields::HttpFixedFields(const std::map<std::string, std::string>& headers) {
  for (const auto& [name, value] : headers) {
    const std::string lower = to_lower(name);
    if (!may_be_sent(name, lower, value)) continue;
    has_date |= lower == "date";
    has_content_type |= lower == "content-type";
    has_allow |= lower == "allow";
    has_retry_after |= lower == "retry-after";
    append_field(text_, name, value);
    names_.push_back(lower);
  }
}

void append_problem(std::string& out, int status, std::string_view detail, const HttpExchange& exchange,
                    const HttpFixedFields& fixed, Millis now) {
  HttpResponse response;
  response.status = status;
  response.body = fmt::format(R"({{"success":false,"code":"{}","message":"{}"}})", code_of(status), detail);
  if (status == 503) response.retry_after = kRetryAfter;
  append_response(out, response, exchange, fixed, now);
}

void append_continue(std::string& out) { out.append("HTTP/1.1 100 Continue\r\n\r\n"); }

void append_switching(std::string& out, std::string_view accept, std::string_view extensions,
                      const HttpFixedFields& fixed, Millis now) {
  append_start(out, 101, fixed, now);
  out.append("Upgrade: websocket\r\nConnection: Upgrade\r\n");
  append_field(out, "Sec-WebSocket-Accept", accept);
  if (!extensions.empty()) append_field(out, "Sec-WebSocket-Extensions", extensions);
  out.append(fixed.text()).append("\r\n");
}

}  // namespace jl::network

#include "daemon/codec/official/bearer.hpp"

#include "common/base/words.hpp"
#include "daemon/codec/official/auth.hpp"
#include "daemon/codec/official/topics.hpp"

#include <algorithm>
#include <string>

namespace jl::codec::official {
namespace {
constexpr std::size_t kMaxQueryBytes = 16 * 1024;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 3986 §2.1; nothing when an escape is malformed.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return {};
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

// The first parameter of that name in "a=1&b=2", as written.
std::optional<std::string_view> query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}
}  // namespace

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!iequals(authorization.substr(0, kScheme.size()), kScheme)) return {};
  std::string_view token = authorization.substr(kScheme.size());
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  token = token.substr(0, token.find(' '));
  if (token.empty()) return {};
  return token;
}

AuthOutcome authenticate(const WebSocketCredentials& credentials, const DeviceIdentity& device) {
  const std::string_view wanted = device.config("bearer_token");
  const auto owner = socket_owner(credentials.path);
  if (wanted.empty()) return AuthOutcome::not_configured;
  if (!owner) return AuthOutcome::bad_format;
  if (credentials.query.size() > kMaxQueryBytes || owner->device_id != device.device_id) {
    return AuthOutcome::bad_credentials;
  }
  if (const auto written = query_parameter(credentials.query, "token")) {
    const auto token = percent_decoded(*written);
    if (!token || token->empty()) return AuthOutcome::bad_format;
    return is_secret(*token, wanted) ? AuthOutcome::ok : AuthOutcome::bad_credentials;
  }
  const auto token = bearer_token(credentials.authorization);
  if (!token) return AuthOutcome::bad_format;
  return is_secret(*token, wanted) ? AuthOutcome::ok : AuthOutcome::bad_credentials;
}

}  // namespace jl::codec::official

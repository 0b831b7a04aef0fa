#include "daemon/media/api_reply.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>
#include <charconv>

namespace jl::media {
namespace json = boost::json;

std::string encode_form(const Form& form) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  const auto encode = [&](std::string_view text) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
      if (is_plain) {
        out += c;
      } else {
        out += '%';
        out += kHex[byte >> 4U];
        out += kHex[byte & 15U];
      }
    }
  };
  for (const auto& [key, value] : form) {
    if (!out.empty()) out += '&';
    encode(key);
    out += '=';
    encode(value);
  }
  return out;
}

Result<json::object> read_object(std::string_view who, const network::HttpReply& reply) {
  if (reply.status != 200)
    return Error(Errc::device_error, fmt::format("{} answers with HTTP status {}", who, reply.status));
  boost::system::error_code ec;
  auto value = json::parse(reply.body, ec);
  if (ec || !value.is_object()) return Error(Errc::device_error, fmt::format("{} answers with no JSON object", who));
  return std::move(value.get_object());
}

std::string shown_words(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::string out(text.substr(0, kMost));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7F') c = ' ';
  }
  // What is quoted may be the address that it was given, with its credentials.
  for (std::size_t at = out.find("://"); at != std::string::npos; at = out.find("://", at + 3)) {
    const std::size_t end = std::min(out.find_first_of("/ \"'", at + 3), out.size());
    const std::size_t host = out.rfind('@', end);
    if (host != std::string::npos && host > at + 2 && host < end) out.replace(at + 3, host - at - 3, "***");
  }
  // A cut in the middle of a character.
  while (!out.empty() && text.size() > kMost && (static_cast<unsigned char>(out.back()) & 0xC0U) == 0x80U)
    out.pop_back();
  if (!out.empty() && text.size() > kMost && static_cast<unsigned char>(out.back()) >= 0xC0U) out.pop_back();
  return out;
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value) return {};
  if (value->is_string()) return std::string(value->get_string());
  if (value->is_number()) return json::serialize(*value);
  return {};
}

std::int64_t number_of(const json::object& object, std::string_view key) {
  const double value = real_of(object, key);
  return value > -9e15 && value < 9e15 ? static_cast<std::int64_t>(value) : 0;
}

double real_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value) return 0;
  if (value->is_number()) return value->to_number<double>();
  if (!value->is_string()) return 0;
  const std::string_view text = value->get_string();
  double out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size() ? out : 0;
}

std::uint16_t port_of(const json::object& object, std::string_view key) {
  const std::int64_t value = number_of(object, key);
  return value > 0 && value <= 65535 ? static_cast<std::uint16_t>(value) : std::uint16_t{0};
}

}  // namespace jl::media

#include "common/text/redact.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

namespace jl::text {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 16> kSecretWords{
    "password", "passwd", "passphrase", "pwd",         "pass",   "psk",           "secret", "secrets",
    "token",    "tokens", "credential", "credentials", "bearer", "authorization", "cookie", "passwords"};
// Those of them that are told apart even at the end of a longer word.
constexpr std::array<std::string_view, 12> kSecretEndings{"password",  "passwd",    "passphrase", "pwd",
                                                          "secret",    "token",     "privatekey", "securekey",
                                                          "secretkey", "accesskey", "apikey",     "authkey"};
constexpr std::array<std::string_view, 22> kNamesOrMeasures{
    "id",  "ids",     "name",   "type",   "file", "path",  "env",   "alias",  "at",        "time",   "expires",
    "ttl", "expired", "expiry", "length", "size", "count", "limit", "policy", "algorithm", "public", "format"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

// "secureKey" -> secure, key; "API_KEY" -> api, key; "APIKey" -> api, key.
std::vector<std::string> words_of_key(std::string_view key) {
  std::vector<std::string> out;
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) out.push_back(to_lower(word));
    word.clear();
  };
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    if (c == '_' || c == '-' || c == '.' || c == ' ' || c == ':' || c == '/') {
      flush();
      continue;
    }
    const bool after_lower = i > 0 && !is_upper(key[i - 1]);
    const bool before_lower = i + 1 < key.size() && is_lower(key[i + 1]);
    if (is_upper(c) && i > 0 && (after_lower || before_lower)) flush();
    word += c;
  }
  flush();
  return out;
}

bool says_secret(std::string_view word) {
  while (!word.empty() && word.back() >= '0' && word.back() <= '9') word.remove_suffix(1);  // "password2"
  if (among(kSecretWords, word)) return true;
  return std::ranges::any_of(kSecretEndings, [&](std::string_view ending) { return word.ends_with(ending); });
}

class Redactor {
 public:
  explicit Redactor(const RedactLimits& limits) : limits_(limits) {}

  json::value copy(const json::value& value, std::size_t depth) {
    if (++nodes_ > limits_.nodes || depth > limits_.depth) return "...";
    if (const auto* text = value.if_string()) return text_value(*text, depth);
    if (const auto* object = value.if_object()) return members(*object, depth, false);
    if (const auto* array = value.if_array()) return items(*array, depth);
    return value;
  }

 private:
  // JSON inside of a text, as JetLinks writes some objects, hides secrets no better than the object itself.
  json::value text_value(const json::string& text, std::size_t depth) {
    if (text.find("PRIVATE KEY-----") != json::string::npos) return masked();
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    if (start == json::string::npos || (text[start] != '{' && text[start] != '[')) return cut(unaddressed(text));
    boost::system::error_code ec;
    const json::value inner = json::parse(text, ec);
    return ec ? json::value("(text that is no JSON)") : copy(inner, depth + 1);
  }

  // Cut only after it was masked: the end of a password must not make it look like the rest of a text.
  static json::string unaddressed(const json::string& text) {
    return text.find("://") == json::string::npos ? text : json::string(mask_userinfo(text));
  }

  json::value cut(const json::string& text) const {
    if (text.size() <= limits_.text) return json::value(text);
    std::size_t end = limits_.text;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;  // not within a character
    return json::value(fmt::format("{}... ({} bytes)", std::string_view(text).substr(0, end), text.size()));
  }

  // The key of `configs`, a cert's material, is a secret whatever was put there by mistake.
  json::value members(const json::object& object, std::size_t depth, bool is_material) {
    json::object out;
    for (const auto& member : object) {
      if (nodes_ >= limits_.nodes) {
        out["..."] = fmt::format("{} more", object.size() - out.size());
        break;
      }
      const json::value key = cut(json::string(member.key()));
      const bool is_secret = is_secret_key(member.key()) || holds_key(member.key(), member.value()) ||
                             (is_material && iequals(member.key(), "key"));
      if (member.key() == "configs" && member.value().is_object() && depth < limits_.depth) {
        out[key.get_string()] = members(member.value().get_object(), depth + 1, true);
        continue;
      }
      out[key.get_string()] = is_secret && !member.value().is_null() ? masked() : copy(member.value(), depth + 1);
    }
    return out;
  }

  // "key" alone is what many things are called; a private key, in whatever form, is longer than any of them.
  static bool holds_key(std::string_view name, const json::value& value) {
    constexpr std::size_t kShortestKey = 64;
    if (iequals(name, "keystoreBase64")) return true;
    return iequals(name, "key") && value.is_string() && value.get_string().size() >= kShortestKey;
  }

  json::value items(const json::array& array, std::size_t depth) {
    json::array out;
    for (const auto& item : array) {
      if (nodes_ >= limits_.nodes) {
        out.push_back(json::value(fmt::format("... {} more", array.size() - out.size())));
        break;
      }
      out.push_back(copy(item, depth + 1));
    }
    return out;
  }

  json::value masked() {
    ++nodes_;
    return json::value(kMask);
  }

  const RedactLimits& limits_;
  std::size_t nodes_ = 0;
};

}  // namespace

bool is_secret_key(std::string_view key) {
  constexpr std::size_t kLongest = 256;  // what a key of this length ends with says enough
  if (key.size() > kLongest) key.remove_prefix(key.size() - kLongest);
  const std::vector<std::string> words = words_of_key(key);
  if (words.empty() || among(kNamesOrMeasures, words.back())) return false;
  if (std::ranges::any_of(words, says_secret)) return true;
  const bool is_key = words.back() == "key" || words.back() == "keys";
  const bool is_public = std::ranges::find(words, "public") != words.end();
  return is_key && words.size() > 1 && !is_public;
}

std::string mask_userinfo(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t scheme = text.find("://");
    if (scheme == text.npos) return out.append(text);
    const std::size_t start = scheme + 3;
    const std::string_view authority = text.substr(start, text.substr(start).find_first_of("/?#\\ \t\r\n\"<>"));
    const std::size_t at = authority.rfind('@');
    out.append(text.substr(0, start));
    text.remove_prefix(start);
    if (at == authority.npos) continue;
    out.append(kMask);
    text.remove_prefix(at);
  }
}

json::value redact(const json::value& value, const RedactLimits& limits) { return Redactor(limits).copy(value, 0); }

}  // namespace jl::text

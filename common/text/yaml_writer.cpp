#include "common/text/yaml_writer.hpp"

#include "common/base/words.hpp"
#include "common/text/scalar.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace jl::text {
namespace {

namespace json = boost::json;

// A YAML reader looks for the ":" of a plain key within 1024 characters; longer keys are marked with "?".
constexpr std::size_t kMaxPlainKey = 1000;

bool is_plain_start(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/' ||
         c >= 0x80;
}

// Words that YAML 1.1 readers would take for something else; quoted for their sake.
bool is_old_boolean(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kWords{"y", "n", "yes", "no", "on", "off"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return iequals(text, word); });
}

// Code points that are neither control characters nor line ends nor byte order marks, in well-formed UTF-8.
bool is_harmless(std::string_view text, bool multiline) {
  if (!is_printable_utf8(text, multiline)) return false;
  for (const std::string_view odd : {"\r", "\u0085", "\u2028", "\u2029", "\uFEFF", "\uFFFE", "\uFFFF"}) {
    if (text.find(odd) != std::string_view::npos) return false;
  }
  return true;
}

bool is_plain(std::string_view text) {
  if (text.empty() || !is_plain_start(static_cast<unsigned char>(text.front())) || text.back() == ' ' ||
      text.back() == ':') {
    return false;
  }
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) return false;
  if (!is_harmless(text, false) || is_old_boolean(text)) return false;
  return read_plain_scalar(text).kind == PlainScalar::Kind::text;
}

// Text that a literal block ("|") holds as it is: it starts with a line that has no space in front, and no line is
// blank but for spaces.
bool is_literal(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.ends_with("\n\n") || !is_harmless(text, true)) return false;
  if (text.front() == '\n' || text.front() == ' ' || text.find('\t') != std::string_view::npos) return false;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    if (!line.empty() && line.find_first_not_of(' ') == std::string_view::npos) return false;
    start = end + 1;
  }
  return true;
}

// The length of the well-formed character at the front, 0 when there is none.
std::size_t character_length(std::string_view text) {
  for (std::size_t n = 1; n <= std::min<std::size_t>(4, text.size()); ++n) {
    if (utf8_length(text.substr(0, n)) == 1) return n;
  }
  return 0;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text.substr(at));
    if (length == 0) {
      out += "\\uFFFD";
      ++at;
      continue;
    }
    const std::string_view character = text.substr(at, length);
    at += length;
    const char c = character.front();
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (length == 1 && !is_printable_utf8(character)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else if (character == "\u2028" || character == "\u2029") {
      out += character == "\u2028" ? "\\u2028" : "\\u2029";
    } else if (character == "\uFEFF") {
      out += "\\uFEFF";
    } else if (character == "\uFFFE" || character == "\uFFFF") {
      out += character == "\uFFFE" ? "\\uFFFE" : "\\uFFFF";
    } else if (length == 2 && !is_printable_utf8(character)) {  // U+0080 to U+009F
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(character[1]));
    } else {
      out += character;
    }
  }
  return out + "\"";
}

std::string number(double value) {
  if (!std::isfinite(value)) return "null";  // no JSON text holds one
  std::string out = fmt::format("{}", value);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

class Writer {
 public:
  std::string run(const json::value& value) {
    if (!value.is_structured() || is_empty(value)) return inline_form(value) + "\n";
    block(value, 0, false);
    return std::move(out_);
  }

 private:
  static bool is_empty(const json::value& value) {
    return (value.is_object() && value.get_object().empty()) || (value.is_array() && value.get_array().empty());
  }

  static std::string inline_form(const json::value& value) {
    switch (value.kind()) {
      case json::kind::string:
        return is_plain(value.get_string()) ? std::string(value.get_string()) : quoted(value.get_string());
      case json::kind::double_:
        return number(value.get_double());
      case json::kind::object:
        return "{}";
      case json::kind::array:
        return "[]";
      default:
        return json::serialize(value);
    }
  }

  void indent(std::size_t depth) { out_.append(2 * depth, ' '); }

  // `continues` says that the first line is under way, behind "- ".
  void block(const json::value& value, std::size_t depth, bool continues) {
    if (value.is_object()) {
      for (const auto& member : value.get_object()) {
        if (!continues) indent(depth);
        continues = false;
        key(member.key(), depth);
        member_value(member.value(), depth);
      }
    } else {
      for (const auto& item : value.get_array()) {
        if (!continues) indent(depth);
        continues = false;
        out_ += "- ";
        if (item.is_structured() && !is_empty(item)) {
          block(item, depth + 1, true);
        } else {
          scalar(item, depth + 1);
        }
      }
    }
  }

  void key(std::string_view name, std::size_t depth) {
    const std::string text = is_plain(name) && name != "<<" ? std::string(name) : quoted(name);
    if (text.size() > kMaxPlainKey) {
      out_ += "? " + text + "\n";
      indent(depth);
    } else {
      out_ += text;
    }
    out_ += ':';
  }

  void member_value(const json::value& value, std::size_t depth) {
    if (value.is_structured() && !is_empty(value)) {
      out_ += '\n';
      block(value, depth + 1, false);
    } else {
      out_ += ' ';
      scalar(value, depth + 1);
    }
  }

  void scalar(const json::value& value, std::size_t depth) {
    if (!value.is_string() || !is_literal(value.get_string())) {
      out_ += inline_form(value) + "\n";
      return;
    }
    std::string_view text = value.get_string();
    const bool ends_in_newline = text.back() == '\n';
    out_ += ends_in_newline ? "|\n" : "|-\n";
    if (ends_in_newline) text.remove_suffix(1);
    for (std::size_t start = 0; start <= text.size();) {
      const std::size_t end = std::min(text.find('\n', start), text.size());
      if (end > start) {
        indent(depth);
        out_ += text.substr(start, end - start);
      }
      out_ += '\n';
      start = end + 1;
    }
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const json::value& value) { return Writer().run(value); }

std::string to_yaml_document(const json::object& document) { return "---\n" + to_yaml(json::value(document)); }

}  // namespace jl::text

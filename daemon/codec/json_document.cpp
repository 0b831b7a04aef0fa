#include "daemon/codec/json_document.hpp"

#include <charconv>
#include <cstring>

namespace jl::codec {
namespace {
// Buffers larger than this are given back before the next ordinary message.
constexpr std::size_t kKeptBytes = 256 * 1024;
constexpr std::size_t kFirstBytes = 4 * 1024;
// simdjson counts the root as level 1 and refuses the level that equals its limit.
constexpr std::size_t kParserDepth = kMaxJsonDepth + 1;

Error describe(simdjson::error_code error) {
  switch (error) {
    case simdjson::EMPTY:
      return {Errc::invalid, "the payload is empty"};
    case simdjson::UTF8_ERROR:
      return {Errc::invalid, "the payload is not UTF-8"};
    case simdjson::DEPTH_ERROR:
      return {Errc::invalid, "the payload is nested deeper than 32 levels"};
    case simdjson::NUMBER_ERROR:
      return {Errc::invalid, "the payload has a number that is malformed or out of range"};
    case simdjson::STRING_ERROR:
    case simdjson::UNCLOSED_STRING:
    case simdjson::UNESCAPED_CHARS:
      return {Errc::invalid, "the payload has a malformed string"};
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC:
      return {Errc::too_large, "no memory to parse the payload"};
    default:
      return {Errc::invalid, "the payload is not well-formed JSON"};
  }
}

// Where the first object of the text ends; the text's size when it does not.
std::size_t end_of_object(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || text[start] != '{') return text.size();
  return start + JsonTextCursor(text.substr(start)).value().size();
}

// The code unit of the \u escape at the start of the text, or -1.
int code_unit(std::string_view text) {
  int unit = 0;
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return -1;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  return error == std::errc() && end == text.data() + 6 ? unit : -1;
}

// simdjson 3.0 lets a low surrogate stand alone; strict readers of what is stored would not.
bool surrogates_are_paired(std::string_view text) {
  for (std::size_t i = text.find('\\'); i < text.size(); i = text.find('\\', i)) {
    const int unit = code_unit(text.substr(i));
    if (unit < 0xD800 || unit > 0xDFFF) {
      i += 2;
      continue;
    }
    const int low = code_unit(text.substr(i + 6));
    if (unit > 0xDBFF || low < 0xDC00 || low > 0xDFFF) return false;
    i += 12;
  }
  return true;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether the place is inside a string of the text.
bool is_in_string(std::string_view text, std::size_t place) {
  bool inside = false;
  for (std::size_t i = 0; i < place; ++i) {
    if (text[i] == '\\' && inside) {
      ++i;
    } else if (text[i] == '"') {
      inside = !inside;
    }
  }
  return inside;
}

// simdjson takes 0e99999999999 for the zero that it is; readers that count in exponents refuse it.
bool exponents_are_small(std::string_view text) {
  constexpr std::size_t kMostDigits = 5;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if ((text[i] != 'e' && text[i] != 'E') || !is_digit(text[i - 1])) continue;
    std::size_t begin = i + 1;
    if (begin < text.size() && (text[begin] == '+' || text[begin] == '-')) ++begin;
    std::size_t end = begin;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end - begin > kMostDigits && !is_in_string(text, i)) return false;
  }
  return true;
}
}  // namespace

JsonDocument& JsonDocument::of_this_thread() {
  thread_local JsonDocument document;
  return document;
}

void JsonDocument::fit(std::size_t size) {
  if (padded_.size() > 2 * kKeptBytes && size <= kKeptBytes) {
    parser_ = simdjson::dom::parser();
    padded_ = {};
    text_ = {};
  }
  if (const std::size_t wanted = std::max(size, kFirstBytes) + simdjson::SIMDJSON_PADDING; padded_.size() < wanted) {
    padded_.resize(wanted);
    text_.resize(wanted);
  }
}

simdjson::error_code JsonDocument::load(std::string_view payload) {
  if (payload.empty()) return simdjson::EMPTY;
  if (parser_.capacity() < payload.size()) {
    const auto error = parser_.allocate(std::max(payload.size(), kFirstBytes), kParserDepth);
    if (error != simdjson::SUCCESS) return error;
  }
  std::memcpy(padded_.data(), payload.data(), payload.size());
  return parser_.parse(padded_.data(), payload.size(), false).error();
}

Result<JsonValue> JsonDocument::parse_object(std::string_view payload) {
  fit(payload.size());
  auto error = load(payload);
  if (error != simdjson::SUCCESS) {
    const std::size_t end = end_of_object(payload);
    if (end == payload.size()) return describe(error);
    payload = payload.substr(0, end);
    error = load(payload);
    if (error != simdjson::SUCCESS) return describe(error);
  }
  const simdjson::dom::element root = parser_.doc.root();
  if (!root.is_object()) return Error(Errc::invalid, "the payload is not a JSON object");

  std::size_t size = 0;
  error = simdjson::minify(padded_.data(), payload.size(), text_.data(), size);
  if (error != simdjson::SUCCESS) return describe(error);
  const std::string_view text(text_.data(), size);
  if (!surrogates_are_paired(text)) return Error(Errc::invalid, "the payload has a lone surrogate escape");
  if (!exponents_are_small(text)) return describe(simdjson::NUMBER_ERROR);
  return JsonValue{root, text};
}

}  // namespace jl::codec

#pragma once
// Reading a device's JSON. simdjson validates the whole payload first (structure, UTF-8, escapes, numbers); then it is
// walked as parsed values and as text side by side, so that values go on byte for byte. One document per thread, whose
// buffers are reused: nothing is allocated once they are warm.
#include "common/base/result.hpp"

#include <simdjson.h>
#include <algorithm>
#include <string_view>
#include <vector>

namespace jl::codec {

/// One JSON value. `text` has no white space outside strings. Valid until the thread's next parse.
struct JsonValue {
  simdjson::dom::element element;
  std::string_view text;

  [[nodiscard]] bool is_object() const { return element.is_object(); }
  [[nodiscard]] bool is_array() const { return element.is_array(); }
  [[nodiscard]] bool is_null() const { return element.is_null(); }
};

/// One member of an object.
struct JsonMember {
  std::string_view key;       ///< unescaped
  std::string_view key_text;  ///< as written, with its quotes
  JsonValue value;

  /// The key inside the document's text, or "" when it is written with escapes.
  [[nodiscard]] std::string_view plain_key() const {
    return key.size() + 2 == key_text.size() ? key_text.substr(1, key.size()) : std::string_view();
  }
};

/// Walks the text of a valid document without white space. Never leaves the text, whatever it holds.
class JsonTextCursor {
 public:
  explicit JsonTextCursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  /// Steps over one structural character.
  void skip() { at_ += at_ < end_ ? 1 : 0; }
  /// Takes the string that starts here, quotes included.
  std::string_view string() {
    const char* const start = at_;
    skip_string();
    return {start, static_cast<std::size_t>(at_ - start)};
  }
  /// Takes the value that starts here.
  std::string_view value() {
    const char* const start = at_;
    if (at_ == end_) return {};
    if (*at_ == '"') {
      skip_string();
    } else if (*at_ == '{' || *at_ == '[') {
      skip_container();
    } else {
      while (at_ < end_ && *at_ != ',' && *at_ != '}' && *at_ != ']') ++at_;
    }
    return {start, static_cast<std::size_t>(at_ - start)};
  }
  /// The most containers that were open at once in any value taken so far.
  [[nodiscard]] std::size_t deepest() const { return deepest_; }

 private:
  void skip_string() {
    ++at_;
    while (at_ < end_ && *at_ != '"') at_ += *at_ == '\\' && at_ + 1 < end_ ? 2 : 1;
    skip();
  }
  void skip_container() {
    std::size_t depth = 0;
    while (at_ < end_) {
      const char c = *at_;
      if (c == '"') {
        skip_string();
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') {
        deepest_ = std::max(deepest_, ++depth);
      } else if ((c == '}' || c == ']') && --depth == 0) {
        return;
      }
    }
  }

  const char* at_;
  const char* end_;
  std::size_t deepest_ = 0;
};

/// The members of an object in their order; the JsonValue must be an object.
class JsonMembers {
 public:
  explicit JsonMembers(const JsonValue& object) : JsonMembers(simdjson::dom::object(object.element), object.text) {}
  /// Takes the next member; false at the end.
  bool next(JsonMember& member) {
    if (!(it_ != end_)) return false;
    cursor_.skip();
    member.key_text = cursor_.string();
    cursor_.skip();
    member.value.text = cursor_.value();
    member.key = it_.key();
    member.value.element = it_.value();
    ++it_;
    return true;
  }
  [[nodiscard]] std::size_t deepest() const { return cursor_.deepest(); }

 private:
  JsonMembers(const simdjson::dom::object& object, std::string_view text)
      : it_(object.begin()), end_(object.end()), cursor_(text) {}

  simdjson::dom::object::iterator it_, end_;
  JsonTextCursor cursor_;
};

/// The items of an array in their order; the JsonValue must be an array.
class JsonItems {
 public:
  explicit JsonItems(const JsonValue& array) : JsonItems(simdjson::dom::array(array.element), array.text) {}
  /// Takes the next item; false at the end.
  bool next(JsonValue& item) {
    if (!(it_ != end_)) return false;
    cursor_.skip();
    item.text = cursor_.value();
    item.element = *it_;
    ++it_;
    return true;
  }

 private:
  JsonItems(const simdjson::dom::array& array, std::string_view text)
      : it_(array.begin()), end_(array.end()), cursor_(text) {}

  simdjson::dom::array::iterator it_, end_;
  JsonTextCursor cursor_;
};

/// The most objects and arrays that may be open at once in a message, children's wrappers included.
inline constexpr std::size_t kMaxJsonDepth = 32;

class JsonDocument {
 public:
  JsonDocument() = default;
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  /// The calling thread's own document.
  [[nodiscard]] static JsonDocument& of_this_thread();

  /// Validates `payload` and returns its object. What follows the object is ignored (wire.md 1.1), so a trailing NUL
  /// does no harm. Numbers beyond uint64 or double and lone surrogate escapes are refused: no later reader could
  /// agree on what they mean. Values stay valid until the next call.
  /// Errors: Errc::invalid (not an object, not JSON, nested deeper than kMaxJsonDepth), Errc::too_large (no memory).
  [[nodiscard]] Result<JsonValue> parse_object(std::string_view payload);

 private:
  simdjson::error_code load(std::string_view payload);
  void fit(std::size_t size);

  simdjson::dom::parser parser_;
  std::vector<char> padded_;
  std::vector<char> text_;
};

}  // namespace jl::codec

#pragma once
// JavaScript values as JSON text, as JSON.stringify() makes it, but bounded while it is made: bytes and depth. Bytes
// (typed arrays, DataViews, ArrayBuffers) become Base64, a lone surrogate U+FFFD.
#include "daemon/script/js.hpp"

#include <cstddef>
#include <string>

namespace jl::script {

class JsonWriter {
 public:
  static constexpr int kMostDepth = 64;

  /// Appends to `text`, at most `most` bytes.
  JsonWriter(JSContext* cx, std::string& text, std::size_t most) : cx_(cx), text_(text), end_(text.size() + most) {}

  /// Appends nothing for undefined, functions and symbols. Runs the script's getters and toJSON(). False with an
  /// exception pending, or none when the script was stopped.
  bool write(JS::HandleValue value);
  /// Whether it failed because of `most`.
  [[nodiscard]] bool is_too_large() const { return too_large_; }

 private:
  bool write(JS::HandleValue value, int depth);
  bool object(JS::HandleObject object, int depth);
  bool array(JS::HandleObject array, int depth);
  bool string(JSString* string);
  bool number(double number);
  bool put(std::string_view bytes);
  bool prepare(JS::MutableHandleValue value);
  bool refuse();

  JSContext* const cx_;
  std::string& text_;
  const std::size_t end_;
  bool too_large_ = false;
};

}  // namespace jl::script

#pragma once
// A chunked body (RFC 9112 §7.1), put together as it comes. Beast 1.81 could do that, too, but it aborts on the last
// chunk when that comes in certain pieces, and counts a chunk against the limit more than once. Extensions and trailers
// are read over. Pure. However the bytes are cut, the outcome is the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jl::network {

class HttpChunks {
 public:
  enum class Step : std::uint8_t {
    more,       ///< everything was taken, and more is needed
    complete,   ///< what is left is not part of it
    malformed,  ///< not after this or one of those below: take()
    line_over,  ///< a chunk's line, or the trailers together, are over the limit
    body_over,
  };
  /// In bytes; `max_body` without the lines.
  HttpChunks(std::uint32_t max_line, std::uint32_t max_body) : max_line_(max_line), max_body_(max_body) {}

  /// Takes bytes off the front of `in` and appends content to `body`, always the same one.
  [[nodiscard]] Step take(std::string_view& in, std::string& body);

 private:
  enum class State : std::uint8_t { size, content, content_end, trailers };
  Step take_line(std::string_view& in, const std::string& body);
  Step read_size(std::string_view line, std::size_t had);
  Step count_trailer(std::size_t bytes);

  std::string line_;          // what has come of the line at hand
  std::uint64_t left_ = 0;    // bytes to come of the chunk's content
  std::size_t trailers_ = 0;  // bytes of the last chunk's line and of the trailers so far
  const std::uint32_t max_line_;
  const std::uint32_t max_body_;
  State state_ = State::size;
};

}  // namespace jl::network

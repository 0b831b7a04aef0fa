#include "daemon/network/http_chunks.hpp"

#include "daemon/network/http_text.hpp"

#include <algorithm>
#include <utility>

namespace jl::network {

HttpChunks::Step HttpChunks::take(std::string_view& in, std::string& body) {
  while (!in.empty()) {
    if (state_ != State::content) {
      if (const Step step = take_line(in, body); step != Step::more) return step;
      continue;
    }
    const std::string_view part = in.substr(0, left_);
    body.append(part);
    in.remove_prefix(part.size());
    left_ -= part.size();
    if (left_ == 0) state_ = State::content_end;
  }
  return Step::more;
}

HttpChunks::Step HttpChunks::take_line(std::string_view& in, const std::string& body) {
  constexpr std::string_view kLineEnd = "\r\n";
  const std::string_view room = in.substr(0, max_line_ - trailers_ - line_.size());
  const std::size_t end = std::min(room.find('\n'), room.size() - 1) + 1;
  line_.append(room, 0, end);
  in.remove_prefix(end);
  if (state_ == State::content_end && !kLineEnd.starts_with(line_)) return Step::malformed;
  if (line_.back() != '\n') return trailers_ + line_.size() < max_line_ ? Step::more : Step::line_over;

  const std::string whole = std::exchange(line_, {});
  if (!whole.ends_with(kLineEnd)) return Step::malformed;
  const std::string_view line = std::string_view(whole).substr(0, whole.size() - kLineEnd.size());
  if (!is_field_text(line)) return Step::malformed;
  if (state_ == State::size) return read_size(line, body.size());
  if (state_ == State::content_end) {
    state_ = State::size;
    return Step::more;
  }
  return line.empty() ? Step::complete : count_trailer(whole.size());
}

// Extensions are not looked at (RFC 9112 §7.1.1).
HttpChunks::Step HttpChunks::read_size(std::string_view line, std::size_t had) {
  std::size_t at = 0;
  std::uint64_t size = 0;
  for (; at < line.size() && hex_digit(line[at]) >= 0; ++at) {
    if (size > UINT64_MAX >> 4u) return Step::body_over;
    size = size << 4u | static_cast<unsigned>(hex_digit(line[at]));
  }
  const std::string_view extensions = line.substr(at);
  const std::size_t begin = extensions.find_first_not_of(" \t");
  if (at == 0 || (!extensions.empty() && (begin == std::string_view::npos || extensions[begin] != ';'))) {
    return Step::malformed;
  }
  if (size > max_body_ - had) return Step::body_over;
  if (size == 0) {
    state_ = State::trailers;
    return count_trailer(line.size() + 2);
  }
  left_ = size;
  state_ = State::content;
  return Step::more;
}

HttpChunks::Step HttpChunks::count_trailer(std::size_t bytes) {
  trailers_ += bytes;
  return trailers_ < max_line_ ? Step::more : Step::line_over;
}

}  // namespace jl::network

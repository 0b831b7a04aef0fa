#include "daemon/wire/framing/byte_stream.hpp"

#include <algorithm>

namespace jl::wire::framing {
namespace {
// A buffer gives memory back when it is this much larger than four times what it holds. Growing at most doubles it, so
// a frame that arrives byte by byte never meets this.
constexpr std::size_t kSpare = 64;
}  // namespace

void ByteStream::begin(std::string_view bytes) {
  read_ = bytes;
  reading_ = true;
  drop_ = false;
}

void ByteStream::end() {
  reading_ = false;
  if (drop_) return drop();
  forget_taken();
  held_.append(read_);
  read_ = {};
  if (held_.capacity() > kSpare + 4 * held_.size()) held_.shrink_to_fit();
}

bool ByteStream::peek(std::size_t count, std::string_view& bytes) {
  const std::size_t held = held_left();
  if (held == 0) {
    if (read_.size() < count) return false;
    bytes = read_.substr(0, count);
    return true;
  }
  if (held < count) {
    const std::size_t missing = count - held;
    if (read_.size() < missing) return false;
    forget_taken();
    held_.append(read_.substr(0, missing));
    read_.remove_prefix(missing);
  }
  bytes = std::string_view(held_).substr(taken_, count);
  return true;
}

bool ByteStream::take(std::size_t count, std::string_view& record) {
  if (!peek(count, record)) return false;
  skip(count);
  return true;
}

ByteStream::Cut ByteStream::take_until(const DelimiterSearch& delimiter, std::size_t max, std::string_view& record) {
  const std::size_t held = held_left();
  std::size_t end = DelimiterSearch::npos;
  if (searched_ < held) end = delimiter.find_end(std::string_view(held_).substr(taken_), searched_, matched_);
  if (end == DelimiterSearch::npos) {
    end = delimiter.find_end(read_, std::max(searched_, held) - held, matched_);
    if (end != DelimiterSearch::npos) end += held;
  }
  if (end == DelimiterSearch::npos) {
    searched_ = left();
    return left() - matched_ > max ? Cut::too_long : Cut::none;
  }
  if (end - delimiter.size() > max) return Cut::too_long;
  // The delimiter itself need not be in one piece.
  if (!peek(end - delimiter.size(), record)) return Cut::none;
  skip(end);
  return Cut::record;
}

void ByteStream::skip(std::size_t count) {
  const std::size_t held = std::min(count, held_left());
  taken_ += held;
  read_.remove_prefix(std::min(count - held, read_.size()));
  restart_search();
}

void ByteStream::drop() {
  if (reading_) {
    drop_ = true;
    return;
  }
  held_.clear();
  held_.shrink_to_fit();
  taken_ = 0;
  read_ = {};
  restart_search();
}

void ByteStream::restart_search() {
  searched_ = 0;
  matched_ = 0;
}

void ByteStream::forget_taken() {
  held_.erase(0, taken_);
  taken_ = 0;
}

}  // namespace jl::wire::framing

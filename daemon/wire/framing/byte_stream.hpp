#pragma once
// The bytes of one connection that no record took yet: those held back from earlier reads and those of the read at
// hand, as one stream. Records that lie within one read are views into it; only what a read leaves over is copied, and
// an empty stream owns no memory.
#include "daemon/wire/framing/search.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace jl::wire::framing {

class ByteStream {
 public:
  /// What looking for a delimiter came to.
  enum class Cut { none, record, too_long };

  /// Begins a read. `bytes` must stay until end().
  void begin(std::string_view bytes);
  /// Ends it: what was not taken is held back.
  void end();

  /// The next `count` bytes in one piece, without taking them. False when there are fewer. Valid, as are all records,
  /// until the next call but drop().
  [[nodiscard]] bool peek(std::size_t count, std::string_view& bytes);
  /// Takes the next `count` bytes.
  [[nodiscard]] bool take(std::size_t count, std::string_view& record);
  /// Takes what stands before the next delimiter, and the delimiter. too_long: the record has, or will have, more than
  /// `max` bytes. Goes on where the last search ended, which must have been one for the same delimiter.
  [[nodiscard]] Cut take_until(const DelimiterSearch& delimiter, std::size_t max, std::string_view& record);
  /// Passes over the next `count` bytes, or all when there are fewer.
  void skip(std::size_t count);

  /// Drops what is held back; during a read what the read will leave over.
  void drop();
  /// The next search begins at the first byte again.
  void restart_search();

  /// Bytes that are not taken.
  [[nodiscard]] std::size_t left() const { return held_left() + read_.size(); }

 private:
  [[nodiscard]] std::size_t held_left() const { return held_.size() - taken_; }
  void forget_taken();

  std::string held_;
  std::size_t taken_ = 0;     // of held_
  std::string_view read_;     // what of the read at hand is not taken
  std::size_t searched_ = 0;  // bytes that are left and were searched
  std::size_t matched_ = 0;   // how much of a delimiter stands at their end
  bool reading_ = false;      // between begin() and end()
  bool drop_ = false;         // at end()
};

}  // namespace jl::wire::framing

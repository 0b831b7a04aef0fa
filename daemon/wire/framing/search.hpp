#pragma once
// Finds a delimiter in a stream that arrives in pieces. Every byte is looked at once, whatever the peer sends: memchr
// leaps to where a delimiter can begin, and Knuth, Morris and Pratt's table says how to go on after a match that fails.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jl::wire::framing {

class DelimiterSearch {
 public:
  static constexpr std::size_t npos = std::string_view::npos;

  /// `delimiter` must not be empty.
  explicit DelimiterSearch(std::string delimiter);

  /// Where the leftmost delimiter ends in `text`, which is looked at from `from` on; npos when none does. `matched` is
  /// how many bytes of a delimiter stand before `from`, and afterwards how many stand at the end of `text` (0 when a
  /// delimiter was found): what the search of the next piece begins with.
  [[nodiscard]] std::size_t find_end(std::string_view text, std::size_t from, std::size_t& matched) const;

  [[nodiscard]] std::size_t size() const { return delimiter_.size(); }
  [[nodiscard]] const std::string& delimiter() const { return delimiter_; }

 private:
  const std::string delimiter_;
  // fallback_[n]: how much of the delimiter is still matched when n + 1 bytes were and the next one does not fit.
  std::vector<std::size_t> fallback_;
};

}  // namespace jl::wire::framing

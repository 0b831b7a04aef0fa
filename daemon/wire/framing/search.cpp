#include "daemon/wire/framing/search.hpp"

#include "common/base/assert.hpp"

#include <cstring>

namespace jl::wire::framing {

DelimiterSearch::DelimiterSearch(std::string delimiter) : delimiter_(std::move(delimiter)) {
  JL_ASSERT(!delimiter_.empty());
  fallback_.resize(delimiter_.size());
  std::size_t matched = 0;
  for (std::size_t i = 1; i < delimiter_.size(); ++i) {
    while (matched > 0 && delimiter_[i] != delimiter_[matched]) matched = fallback_[matched - 1];
    if (delimiter_[i] == delimiter_[matched]) ++matched;
    fallback_[i] = matched;
  }
}

std::size_t DelimiterSearch::find_end(std::string_view text, std::size_t from, std::size_t& matched) const {
  std::size_t at = from;
  while (at < text.size()) {
    if (matched == 0) {
      const void* const first = std::memchr(text.data() + at, delimiter_.front(), text.size() - at);
      if (first == nullptr) return npos;
      at = static_cast<std::size_t>(static_cast<const char*>(first) - text.data());
    }
    while (matched > 0 && text[at] != delimiter_[matched]) matched = fallback_[matched - 1];
    if (text[at] == delimiter_[matched]) ++matched;
    ++at;
    if (matched == delimiter_.size()) {
      matched = 0;
      return at;
    }
  }
  return npos;
}

}  // namespace jl::wire::framing

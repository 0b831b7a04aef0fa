// Texts of devices as they are kept and shown.
#include "common/base/words.hpp"
#include "daemon/ota/record.hpp"

#include <algorithm>

namespace jl::ota {
namespace {

// Bytes of the character that begins here; 0 = it is no well-formed UTF-8.
std::size_t character_at(std::string_view text, std::size_t at) {
  for (std::size_t size = 1; size <= 4 && at + size <= text.size(); ++size) {
    if (utf8_length(text.substr(at, size)) == 1) return size;
  }
  return 0;
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t max) {
  if (text.size() <= max && is_printable_utf8(text)) return std::string(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_at(text, at);
    std::string_view piece = text.substr(at, std::max<std::size_t>(size, 1));
    at += piece.size();
    if (size == 0) {
      piece = "\xEF\xBF\xBD";
    } else if (!is_printable_utf8(piece)) {
      piece = " ";
    }
    if (out.size() + piece.size() > max) break;
    out += piece;
  }
  return out;
}

}  // namespace jl::ota

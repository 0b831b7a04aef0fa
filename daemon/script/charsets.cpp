#include "daemon/script/charsets.hpp"

#include "daemon/script/errors.hpp"
#include "daemon/script/values.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace jl::script {

namespace {
constexpr std::pair<std::string_view, Encoding> kNames[] = {
    {"utf-8", Encoding::utf8},     {"utf8", Encoding::utf8},     {"ascii", Encoding::ascii},
    {"us-ascii", Encoding::ascii}, {"latin1", Encoding::latin1}, {"iso-8859-1", Encoding::latin1},
    {"gbk", Encoding::gbk},        {"gb2312", Encoding::gbk},    {"gb18030", Encoding::gb18030},
};

/// iconv's state for one direction, opened once on each thread.
class Converter {
 public:
  Converter(const char* to, const char* from) : state_(::iconv_open(to, from)) {}
  ~Converter() {
    if (is_open()) ::iconv_close(state_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  [[nodiscard]] bool is_open() const { return state_ != reinterpret_cast<iconv_t>(-1); }

  /// Converts all of it; `instead` stands for each byte (UTF-8: character) that cannot be converted.
  std::string convert(std::string_view text, std::string_view instead) {
    ::iconv(state_, nullptr, nullptr, nullptr, nullptr);
    std::string made;
    std::array<char, 4096> room;
    char* in = const_cast<char*>(text.data());  // iconv() does not write there
    std::size_t left = text.size();
    while (left > 0) {
      char* out = room.data();
      std::size_t free = room.size();
      const std::size_t done = ::iconv(state_, &in, &left, &out, &free);
      made.append(room.data(), room.size() - free);
      if (done != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
      made.append(instead);
      do {
        ++in;
        --left;
      } while (left > 0 && instead == "?" && (static_cast<unsigned char>(*in) & 0xC0u) == 0x80u);
    }
    return made;
  }

 private:
  iconv_t state_;
};

Converter& reading(Encoding encoding) {
  static thread_local Converter gbk("UTF-8", "GBK");
  static thread_local Converter gb18030("UTF-8", "GB18030");
  return encoding == Encoding::gbk ? gbk : gb18030;
}
Converter& writing(Encoding encoding) {
  static thread_local Converter gbk("GBK", "UTF-8");
  static thread_local Converter gb18030("GB18030", "UTF-8");
  return encoding == Encoding::gbk ? gbk : gb18030;
}

bool needs_iconv(Encoding encoding) { return encoding == Encoding::gbk || encoding == Encoding::gb18030; }
Charset charset(Encoding encoding) {
  return encoding == Encoding::utf8 ? Charset::utf8 : encoding == Encoding::ascii ? Charset::ascii : Charset::latin1;
}
constexpr const char* kNoIconv = "GBK and GB18030 are not installed on this host (glibc's gconv modules)";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const auto lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
}  // namespace

bool encoding_of(JSContext* cx, JS::HandleValue value, Encoding& encoding) {
  encoding = Encoding::utf8;
  if (value.isUndefined()) return true;
  std::string name;
  if (!value.isString()) return throw_type(cx, "a charset is a string");
  if (!encode(cx, value, Charset::utf8, name)) return false;
  name.resize(std::min<std::size_t>(name.size(), 32));
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const auto& [known, code] : kNames) {
    if (name != known) continue;
    encoding = code;
    return true;
  }
  return throw_range(cx, "unsupported charset \"" + one_line(name, 32) + "\": utf-8, ascii, latin1, gbk or gb18030");
}

JSString* decode_text(JSContext* cx, std::string_view bytes, Encoding encoding) {
  if (!needs_iconv(encoding)) return decode(cx, bytes, charset(encoding));
  Converter& converter = reading(encoding);
  if (!converter.is_open()) {
    throw_error(cx, kNoIconv);
    return nullptr;
  }
  return decode(cx, converter.convert(bytes, "\xEF\xBF\xBD"), Charset::utf8);
}

bool encode_text(JSContext* cx, JS::HandleValue value, Encoding encoding, std::string& bytes) {
  if (!value.isString()) return throw_type(cx, "a text is a string");
  if (!needs_iconv(encoding)) return encode(cx, value, charset(encoding), bytes);
  Converter& converter = writing(encoding);
  if (!converter.is_open()) return throw_error(cx, kNoIconv);
  std::string utf8;
  if (!encode(cx, value, Charset::utf8, utf8)) return false;
  bytes = converter.convert(utf8, "?");
  return true;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(kDigits[byte >> 4u]);
    text.push_back(kDigits[byte & 15u]);
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i])) continue;
    if (i + 1 >= text.size() || digit(text[i]) < 0 || digit(text[i + 1]) < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1])));
    ++i;
  }
  return bytes;
}

std::size_t append_bcd_digits(std::string_view bytes, std::string& digits) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if ((byte >> 4u) > 9 || (byte & 15u) > 9) return i;
    digits.push_back(static_cast<char>('0' + (byte >> 4u)));
    digits.push_back(static_cast<char>('0' + (byte & 15u)));
  }
  return bytes.size();
}

std::optional<std::string> from_bcd_digits(std::string_view digits) {
  std::string padded(digits);
  if (padded.size() % 2 != 0) padded.insert(0, 1, '0');
  const bool all = std::all_of(padded.begin(), padded.end(), [](char c) { return c >= '0' && c <= '9'; });
  return all ? from_hex(padded) : std::nullopt;
}

}  // namespace jl::script

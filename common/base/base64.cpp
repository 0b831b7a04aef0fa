#include "common/base/base64.hpp"

#include <array>
#include <cstdint>

namespace jl {
namespace {
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::int8_t kNone = -1;

constexpr std::array<std::int8_t, 256> values_of_digits() {
  std::array<std::int8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr std::array<std::int8_t, 256> kValues = values_of_digits();

// Puts digits together to bytes.
class Decoder {
 public:
  explicit Decoder(std::size_t digits) { bytes_.reserve(digits / 4 * 3 + 3); }

  // False when it is no digit.
  bool add(char digit) {
    const std::int8_t value = kValues[static_cast<unsigned char>(digit)];
    if (value == kNone) return false;
    bits_ = bits_ << 6u | static_cast<std::uint32_t>(value);
    if (++digits_ % 4 == 0) put(3, 0);
    return true;
  }
  [[nodiscard]] std::size_t digits() const { return digits_; }
  // The bytes of all digits. One digit alone has none.
  std::string finish() {
    if (digits_ % 4 == 2) put(1, 4);
    if (digits_ % 4 == 3) put(2, 2);
    return std::move(bytes_);
  }

 private:
  // Takes that many bytes out of the bits, above the unused ones.
  void put(unsigned count, unsigned unused) {
    for (unsigned i = count; i-- > 0;) bytes_ += static_cast<char>(bits_ >> (8 * i + unused) & 0xFFu);
  }

  std::string bytes_;
  std::uint32_t bits_ = 0;
  std::size_t digits_ = 0;
};
}  // namespace

void append_base64(std::string& text, std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  std::size_t at = text.size();
  text.resize(at + (bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned group = (byte(i) << 16u) | (byte(i + 1) << 8u) | byte(i + 2);
    text[at++] = kDigits[group >> 18u];
    text[at++] = kDigits[(group >> 12u) & 63u];
    text[at++] = i + 1 < bytes.size() ? kDigits[(group >> 6u) & 63u] : '=';
    text[at++] = i + 2 < bytes.size() ? kDigits[group & 63u] : '=';
  }
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return {};
  std::string_view digits = text;
  for (int padding = 0; padding < 2 && digits.ends_with('='); ++padding) digits.remove_suffix(1);
  Decoder decoder(digits.size());
  for (const char digit : digits) {
    if (!decoder.add(digit)) return {};
  }
  std::string bytes = decoder.finish();
  // No other text must give the same bytes: the unused bits of the last digit are zero.
  if (to_base64(bytes) != text) return {};
  return bytes;
}

Result<std::string> from_pasted_base64(std::string_view text) {
  Decoder decoder(text.size());
  std::size_t padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == '=') {
      ++padding;
    } else if (padding > 0 || !decoder.add(c)) {
      return Error(Errc::invalid, "character " + std::to_string(i + 1) + " is not base64");
    }
  }
  const std::size_t digits = decoder.digits();
  if (digits % 4 == 1 || padding > 2 || (padding > 0 && (digits + padding) % 4 != 0)) {
    return Error(Errc::invalid, "base64 that is cut or damaged");
  }
  return decoder.finish();
}

}  // namespace jl

#pragma once
// Reads the primitive types of MQTT (MQTT 5 §1.5) from one packet. Never reads past the end: the first failure sticks,
// later reads give zero and empty, and the caller asks ok() once at the end of a group.
#include "daemon/wire/mqtt/text.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace jl::wire::mqtt {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  std::uint8_t u8() {
    const std::string_view raw = bytes(1);
    return raw.empty() ? std::uint8_t{0} : byte(raw, 0);
  }
  std::uint16_t u16() {
    const std::string_view raw = bytes(2);
    return raw.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>((byte(raw, 0) << 8) | byte(raw, 1));
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return (high << 16) | u16();
  }
  /// A Variable Byte Integer of at most four bytes in its shortest form (MQTT 5 §1.5.5).
  std::uint32_t varint() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift <= 21; shift += 7) {
      const std::uint8_t next = u8();
      value |= static_cast<std::uint32_t>(next & 0x7Fu) << shift;
      if ((next & 0x80u) != 0) continue;
      if (next == 0 && shift > 0) ok_ = false;
      return ok_ ? value : 0;
    }
    ok_ = false;
    return 0;
  }
  std::string_view bytes(std::size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  /// Binary Data: a two-byte length and that many bytes.
  std::string_view binary() { return bytes(u16()); }
  /// A UTF-8 Encoded String, checked.
  std::string_view text() {
    const std::string_view value = binary();
    if (!is_valid_text(value)) ok_ = false;
    return ok_ ? value : std::string_view{};
  }
  /// Everything that is left.
  std::string_view rest() { return bytes(rest_.size()); }

 private:
  static std::uint8_t byte(std::string_view raw, std::size_t i) { return static_cast<std::uint8_t>(raw[i]); }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace jl::wire::mqtt

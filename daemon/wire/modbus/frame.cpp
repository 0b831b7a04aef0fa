#include "daemon/wire/modbus/frame.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <array>

namespace jl::wire::modbus {
namespace {

constexpr std::size_t kMbap = 7;          // transaction, protocol, length, unit
constexpr std::size_t kMbapToLength = 6;  // what the length does not count
constexpr std::size_t kRtuAround = 3;     // unit and CRC
constexpr std::size_t kMaxFrame = 260;    // TCP; an RTU frame has 256 at most
static_assert(kMaxFrame == kMbap + kMaxPdu && kMaxFrame >= kRtuAround + kMaxPdu);

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::uint16_t u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8u | byte_at(bytes, at + 1));
}

void put16(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>(value >> 8u & 0xFFu));
  out.push_back(static_cast<char>(value & 0xFFu));
}

/// The CRC of each byte alone: polynomial 0xA001, least significant bit first (serial line, appendix B).
constexpr auto kCrcTable = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    unsigned crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1u) != 0 ? crc >> 1u ^ 0xA001u : crc >> 1u;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}();

/// How long the RTU frame at the begin of `bytes` is: 0 = more bytes are needed to tell; nothing = none begins here.
std::optional<std::size_t> rtu_size(std::string_view bytes) {
  if (bytes.empty()) return 0;
  if (bytes.front() == '\0') return std::nullopt;  // address 0 is of broadcasts, which nobody answers (§2.2)
  const auto length = reply_length(bytes.substr(1));
  if (!length || *length > kMaxPdu) return std::nullopt;
  return *length == 0 ? 0 : *length + kRtuAround;
}

}  // namespace

std::uint16_t crc16(std::string_view bytes) {
  unsigned crc = 0xFFFF;
  for (const char c : bytes) crc = crc >> 8u ^ kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xFFu];
  return static_cast<std::uint16_t>(crc);
}

std::string tcp_frame(std::uint16_t transaction, std::uint8_t unit, std::string_view pdu) {
  std::string frame;
  frame.reserve(kMbap + pdu.size());
  put16(frame, transaction);
  put16(frame, 0);
  put16(frame, 1 + pdu.size());
  frame.push_back(static_cast<char>(unit));
  frame += pdu;
  return frame;
}

std::string rtu_frame(std::uint8_t unit, std::string_view pdu) {
  std::string frame;
  frame.reserve(kRtuAround + pdu.size());
  frame.push_back(static_cast<char>(unit));
  frame += pdu;
  const std::uint16_t crc = crc16(frame);
  frame.push_back(static_cast<char>(crc & 0xFFu));  // the only field whose low byte comes first
  frame.push_back(static_cast<char>(crc >> 8u));
  return frame;
}

void TcpFramer::reset() {
  buffer_.clear();
  ++resets_;
}

Status TcpFramer::feed(std::string_view bytes, const Take& take) {
  for (;;) {
    std::size_t wanted = kMbapToLength;
    if (buffer_.size() >= kMbapToLength) {
      const std::size_t length = u16_at(buffer_, 4);
      // What is kept makes every further call fail as well, until reset().
      if (u16_at(buffer_, 2) != 0)
        return Error{Errc::invalid, "the peer does not speak Modbus TCP: its protocol id is not 0"};
      if (length < 2 || length > 1 + kMaxPdu) {
        return Error{Errc::invalid, "a Modbus TCP frame cannot have the length " + std::to_string(length)};
      }
      wanted += length;
    }
    const std::size_t count = std::min(wanted - buffer_.size(), bytes.size());
    buffer_ += bytes.substr(0, count);
    bytes.remove_prefix(count);
    if (buffer_.size() < wanted) return {};
    if (wanted == kMbapToLength) continue;
    const std::string whole = std::exchange(buffer_, {});
    const std::uint32_t resets = resets_;
    take({u16_at(whole, 0), byte_at(whole, 6), std::string_view(whole).substr(kMbap)});
    if (resets != resets_) return {};  // the rest is of what was forgotten
  }
}

void RtuFramer::reset() {
  garbage_ += buffer_.size();
  buffer_.clear();
  ++resets_;
}

Status RtuFramer::feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(kMaxFrame - buffer_.size(), bytes.size());
    buffer_ += bytes.substr(0, count);
    bytes.remove_prefix(count);
    if (!search(take)) break;
  }
  return {};
}

void RtuFramer::on_silence(const Take& take) {
  while (!buffer_.empty()) {
    buffer_.erase(0, 1);
    ++garbage_;
    if (!search(take)) return;
  }
}

/// Takes all whole frames, and drops what none begins with. Each place is tried once: what waits at the begin of the
/// buffer afterwards lacks bytes. False: `take` has reset this.
bool RtuFramer::search(const Take& take) {
  std::size_t at = 0;
  for (;;) {
    const std::string_view rest = std::string_view(buffer_).substr(at);
    const std::optional<std::size_t> size = rtu_size(rest);
    if (size && (*size == 0 || *size > rest.size())) break;
    // The CRC of a frame with its CRC is 0.
    if (!size || crc16(rest.substr(0, *size)) != 0) {
      ++garbage_;
      ++at;
      continue;
    }
    const std::string whole(rest.substr(0, *size));
    buffer_.erase(0, at + *size);
    at = 0;
    const std::uint32_t resets = resets_;
    take({0, byte_at(whole, 0), std::string_view(whole).substr(1, *size - kRtuAround)});
    if (resets != resets_) return false;
  }
  buffer_.erase(0, at);
  JL_ASSERT(buffer_.size() < kMaxFrame);
  return true;
}

}  // namespace jl::wire::modbus

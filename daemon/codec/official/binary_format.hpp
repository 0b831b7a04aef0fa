#pragma once
// The binary format of TCP and UDP (wire.md 5): its words, and reading a message up to where its body begins. All
// integers are big-endian.
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace jl::codec::official {

/// wire.md 5.4.
enum class FrameType : std::uint8_t {
  keepalive,
  online,
  ack,
  report_property,
  read_property,
  read_property_reply,
  write_property,
  write_property_reply,
  function,
  function_reply,
  event,
};

/// wire.md 5.3.
enum class ValueType : std::uint8_t {
  null,
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  float32,
  float64,
  string,
  binary,
  array,
  object,
};

enum class AckCode : std::uint8_t { ok, no_auth, unsupported_message };
[[nodiscard]] std::string_view to_string(AckCode code);  ///< "ok", "noAuth", "unsupportedMessage"

/// Bytes of the length that stands before a TCP message.
inline constexpr std::size_t kLengthBytes = 4;

/// Reads from the front. Beyond the end everything is zero and empty, and has_failed() says so.
class BinaryReader {
 public:
  explicit BinaryReader(std::string_view bytes) : rest_(bytes) {}

  template <class Integer>
  [[nodiscard]] Integer integer() {
    using Bits = std::make_unsigned_t<Integer>;
    const std::string_view bytes = take(sizeof(Integer));
    std::uint64_t bits = 0;
    for (const char byte : bytes) bits = (bits << 8u) | static_cast<unsigned char>(byte);
    return static_cast<Integer>(static_cast<Bits>(bits));
  }
  /// STRING and BINARY: a length of two bytes and as many bytes.
  [[nodiscard]] std::string_view string() { return take(integer<std::uint16_t>()); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool has_failed() const { return has_failed_; }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) {
      has_failed_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool has_failed_ = false;
};

/// A message without its transport's wrapping. Views point into it.
struct BinaryMessage {
  FrameType type = FrameType::keepalive;  ///< keepalive has nothing else
  Millis timestamp = 0;
  std::uint16_t sequence = 0;
  std::string_view device_id;  ///< "" = the session's device
  std::string_view body;
};

/// Errors: Errc::invalid: shorter than its header, a type that does not exist, an id that cannot be a device's.
[[nodiscard]] Result<BinaryMessage> read_message(std::string_view bytes);
/// The message of a TCP frame, which begins with its length. Errors: as above, or the length is not that of the rest.
[[nodiscard]] Result<BinaryMessage> read_tcp_frame(std::string_view frame);

struct Datagram {
  std::uint8_t auth = 0;  ///< 0 = by key, the only way
  std::string_view key;
  BinaryMessage message;
};
/// Errors: as read_message(), or it ends within the key.
[[nodiscard]] Result<Datagram> read_datagram(std::string_view bytes);

}  // namespace jl::codec::official

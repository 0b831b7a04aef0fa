#pragma once
// What the tests of TCP and UDP share: bytes put together as a device would, and a device that speaks them.
#include "daemon/codec/protocol.hpp"
#include "support.hpp"

#include <bit>
#include <memory>
#include <string>
#include <string_view>

namespace jl::test::binary {

inline constexpr std::string_view kKey = "key1";

/// Bytes out of pieces: numbers big-endian, strings with their length.
struct Bytes {
  std::string out;

  Bytes& u8(unsigned number) { return out += static_cast<char>(number), *this; }
  Bytes& number(std::uint64_t bits, std::size_t size) {
    while (size-- > 0) u8(static_cast<unsigned>((bits >> (8 * size)) & 0xFFu));
    return *this;
  }
  Bytes& u16(std::size_t count) { return number(count, 2); }
  Bytes& string(std::string_view text) { return u16(text.size()), out += text, *this; }
  Bytes& raw(std::string_view bytes) { return out += bytes, *this; }
  /// Typed values.
  Bytes& text(std::string_view plain) { return u8(0x0b).string(plain); }
  Bytes& i32(std::int32_t value) { return u8(0x04).number(static_cast<std::uint32_t>(value), 4); }
  Bytes& real(double value) { return u8(0x0a).number(std::bit_cast<std::uint64_t>(value), 8); }
};

inline std::string message(unsigned type, std::string_view body, std::uint16_t sequence = 0, std::string_view id = "d1",
                           Millis time = kNow) {
  return Bytes().u8(type).number(static_cast<std::uint64_t>(time), 8).u16(sequence).string(id).raw(body).out;
}
inline std::string frame(std::string_view message) { return Bytes().number(message.size(), 4).raw(message).out; }
inline std::string datagram(std::string_view message, std::string_view key = kKey, unsigned auth = 0) {
  return Bytes().u8(auth).string(key).raw(message).out;
}
inline std::string login(std::string_view key = kKey, std::uint16_t sequence = 0, std::string_view id = "d1") {
  return message(1, Bytes().string(key).out, sequence, id);
}
/// An ack as the platform sends it.
inline std::string ack(unsigned code, std::uint16_t sequence = 0, std::string_view id = "d1", Millis now = kNow) {
  return message(2, Bytes().u8(code).out, sequence, id, now);
}

/// One session of device d1.
class Session {
 public:
  explicit Session(codec::Transport transport, bool logged_in = true)
      : transport_(transport), logged_in_(logged_in), state_(codec::official_protocol().open_state(transport)) {}

  /// What the device sends: a message without its transport's wrapping.
  Uplink receive(std::string_view message, Millis now = kNow) {
    return receive_bytes(transport_ == codec::Transport::tcp ? frame(message) : datagram(message), now);
  }
  Uplink receive_bytes(std::string_view bytes, Millis now = kNow) {
    codec::Uplink wire;
    wire.transport = transport_;
    wire.payload = bytes;
    Uplink up;
    up.result =
        codec::official_protocol().decode(wire, {identity, state_.get(), logged_in_}, now, up.message, up.answer);
    logged_in_ = logged_in_ || up.is_message();
    return up;
  }
  Result<codec::Encoded> send(std::string_view body) {
    codec::DownMessage down;
    boost::json::parse_options deep;
    deep.max_depth = 64;
    down.body = boost::json::parse(body, {}, deep).as_object();
    down.type = codec::message_type_from(down.body.at("messageType").as_string()).value();
    return codec::official_protocol().encode(down, transport_, {identity, state_.get(), logged_in_});
  }

  codec::DeviceIdentity identity = device({{"secureKey", std::string(kKey)}});

 private:
  codec::Transport transport_;
  bool logged_in_;
  std::unique_ptr<codec::CodecState> state_;
};

}  // namespace jl::test::binary

#include "daemon/codec/official/binary_format.hpp"

#include "daemon/codec/official/topics.hpp"

namespace jl::codec::official {
namespace {
Error invalid(std::string_view what) { return {Errc::invalid, std::string(what)}; }
}  // namespace

std::string_view to_string(AckCode code) {
  switch (code) {
    case AckCode::ok:
      return "ok";
    case AckCode::no_auth:
      return "noAuth";
    case AckCode::unsupported_message:
      return "unsupportedMessage";
  }
  return {};
}

Result<BinaryMessage> read_message(std::string_view bytes) {
  BinaryReader reader(bytes);
  BinaryMessage message;
  const auto type = reader.integer<std::uint8_t>();
  if (reader.has_failed()) return invalid("the message is empty");
  if (type > static_cast<std::uint8_t>(FrameType::event)) {
    return invalid("there is no message type " + std::to_string(type));
  }
  message.type = static_cast<FrameType>(type);
  if (message.type == FrameType::keepalive) return message;
  message.timestamp = reader.integer<std::int64_t>();
  message.sequence = reader.integer<std::uint16_t>();
  message.device_id = reader.string();
  message.body = reader.rest();
  if (reader.has_failed()) return invalid("the message ends within its header");
  if (!message.device_id.empty()) JL_CHECK(check_id(message.device_id, "the device id"));
  return message;
}

Result<BinaryMessage> read_tcp_frame(std::string_view frame) {
  BinaryReader reader(frame);
  const auto length = reader.integer<std::uint32_t>();
  if (reader.has_failed() || length != reader.rest().size()) {
    return Error(Errc::invalid, "the frame does not begin with the length of what follows",
                 "cut frames by a length field of 4 bytes at offset 0, big-endian");
  }
  return read_message(reader.rest());
}

Result<Datagram> read_datagram(std::string_view bytes) {
  BinaryReader reader(bytes);
  Datagram datagram;
  datagram.auth = reader.integer<std::uint8_t>();
  datagram.key = reader.string();
  if (reader.has_failed()) return invalid("the datagram ends within its key");
  JL_TRY(datagram.message, read_message(reader.rest()));
  return datagram;
}

}  // namespace jl::codec::official

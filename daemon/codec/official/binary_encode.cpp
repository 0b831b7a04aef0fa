#include "daemon/codec/official/binary_encode.hpp"

#include "daemon/codec/json_document.hpp"
#include "daemon/codec/official/down_message.hpp"
#include "daemon/codec/official/session_state.hpp"

#include <bit>
#include <boost/json.hpp>
#include <limits>

namespace jl::codec::official {
namespace {
namespace json = boost::json;

constexpr std::size_t kMaxCount = std::numeric_limits<std::uint16_t>::max();

Error invalid(std::string_view what, std::string_view field = {}) {
  return {Errc::invalid, std::string(what), "", std::string(field)};
}

template <class Integer>
void put(std::string& bytes, Integer number) {
  const auto bits = static_cast<std::make_unsigned_t<Integer>>(number);
  for (std::size_t i = sizeof(Integer); i-- > 0;) bytes += static_cast<char>((bits >> (8 * i)) & 0xFFu);
}
void put(std::string& bytes, ValueType type) { put(bytes, static_cast<std::uint8_t>(type)); }

Status put_count(std::string& bytes, std::size_t count) {
  if (count > kMaxCount) return invalid("the binary format has no more than 65535 members in one value");
  put(bytes, static_cast<std::uint16_t>(count));
  return {};
}

Status put_string(std::string& bytes, std::string_view text) {
  if (text.size() > kMaxCount) return invalid("the binary format has no text longer than 65535 bytes");
  put(bytes, static_cast<std::uint16_t>(text.size()));
  bytes += text;
  return {};
}

void put_integer(std::string& bytes, std::int64_t number) {
  if (number >= std::numeric_limits<std::int32_t>::min() && number <= std::numeric_limits<std::int32_t>::max()) {
    put(bytes, ValueType::int32);
    put(bytes, static_cast<std::int32_t>(number));
  } else {
    put(bytes, ValueType::int64);
    put(bytes, number);
  }
}

// A type byte and the content (wire.md 5.3). `depth` containers are open around it.
Status put_value(std::string& bytes, const json::value& value, std::size_t depth);

Status put_members(std::string& bytes, const json::object& object, std::size_t depth) {
  JL_CHECK(put_count(bytes, object.size()));
  for (const auto& [key, value] : object) {
    JL_CHECK(put_string(bytes, key));
    JL_CHECK(put_value(bytes, value, depth));
  }
  return {};
}

Status put_container(std::string& bytes, const json::value& value, std::size_t depth) {
  if (depth == kMaxJsonDepth) return invalid("the value is nested deeper than 32 levels");
  if (value.is_object()) {
    put(bytes, ValueType::object);
    return put_members(bytes, value.get_object(), depth + 1);
  }
  put(bytes, ValueType::array);
  JL_CHECK(put_count(bytes, value.get_array().size()));
  for (const json::value& item : value.get_array()) JL_CHECK(put_value(bytes, item, depth + 1));
  return {};
}

Status put_value(std::string& bytes, const json::value& value, std::size_t depth) {
  switch (value.kind()) {
    case json::kind::null:
      put(bytes, ValueType::null);
      return {};
    case json::kind::bool_:
      put(bytes, ValueType::boolean);
      put(bytes, static_cast<std::uint8_t>(value.get_bool() ? 1 : 0));
      return {};
    case json::kind::int64:
      put_integer(bytes, value.get_int64());
      return {};
    case json::kind::uint64:
      if (value.get_uint64() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return invalid("the binary format has no integer above 9223372036854775807");
      }
      put_integer(bytes, static_cast<std::int64_t>(value.get_uint64()));
      return {};
    case json::kind::double_:
      put(bytes, ValueType::float64);
      put(bytes, std::bit_cast<std::uint64_t>(value.get_double()));
      return {};
    case json::kind::string:
      put(bytes, ValueType::string);
      return put_string(bytes, value.get_string());
    default:
      return put_container(bytes, value, depth);
  }
}

Status put_read(std::string& bytes, const json::object& body) {
  const json::value* const properties = find(body, "properties");
  if (properties == nullptr) return put_count(bytes, 0);
  if (!properties->is_array()) return invalid("\"properties\" must be a list of names", "properties");
  JL_CHECK(put_count(bytes, properties->get_array().size()));
  for (const json::value& name : properties->get_array()) {
    if (!name.is_string()) return invalid("\"properties\" must be a list of names", "properties");
    JL_CHECK(put_value(bytes, name, 1));
  }
  return {};
}

Status put_write(std::string& bytes, const json::object& body) {
  const json::value* const properties = find(body, "properties");
  if (properties == nullptr) return put_count(bytes, 0);
  if (!properties->is_object()) return invalid("\"properties\" must be an object", "properties");
  return put_members(bytes, properties->get_object(), 1);
}

// The inputs are an object on the wire; callers may give a list of name and value.
Status put_invoke(std::string& bytes, const json::object& body) {
  const std::string_view function = text_of(body, "functionId");
  if (function.empty()) return invalid("\"functionId\" must name the function", "functionId");
  JL_CHECK(put_string(bytes, function));
  const json::value* const inputs = find(body, "inputs");
  if (inputs == nullptr) return put_count(bytes, 0);
  if (inputs->is_object()) return put_members(bytes, inputs->get_object(), 1);
  if (!inputs->is_array()) return invalid("\"inputs\" must be a list or an object", "inputs");
  JL_CHECK(put_count(bytes, inputs->get_array().size()));
  for (const json::value& input : inputs->get_array()) {
    const json::object* const pair = input.if_object();
    if (pair == nullptr || text_of(*pair, "name").empty()) {
      return invalid("\"inputs\" must hold objects with a name", "inputs");
    }
    const json::value* const value = pair->if_contains("value");
    JL_CHECK(put_string(bytes, text_of(*pair, "name")));
    JL_CHECK(put_value(bytes, value == nullptr ? json::value() : *value, 1));
  }
  return {};
}

const json::object* headers_of(const json::object& body) {
  const json::value* const headers = find(body, "headers");
  return headers == nullptr ? nullptr : headers->if_object();
}

Status put_ack(std::string& bytes, const json::object& body) {
  const json::object* const headers = headers_of(body);
  const std::string_view word = headers == nullptr ? std::string_view() : text_of(*headers, "code");
  for (const AckCode code : {AckCode::ok, AckCode::no_auth, AckCode::unsupported_message}) {
    if (word != to_string(code) && !(word.empty() && code == AckCode::ok)) continue;
    put(bytes, static_cast<std::uint8_t>(code));
    return {};
  }
  return invalid("the ack code must be ok, noAuth or unsupportedMessage", "headers.code");
}

std::int64_t integer_of(const json::object* object, std::string_view key) {
  const json::value* const found = object == nullptr ? nullptr : find(*object, key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

std::uint16_t sequence_of(const DownMessage& message, SessionState* state) {
  if (message.type == MessageType::acknowledge) {
    return static_cast<std::uint16_t>(integer_of(headers_of(message.body), "_seq") & 0xFFFF);
  }
  const std::string_view id = text_of(message.body, "messageId");
  if (id.empty() || state == nullptr) return Sequences::kNone;
  return state->sequences.assign(std::string(id), integer_of(&message.body, "timestamp"));
}

FrameType frame_type(MessageType type) {
  switch (type) {
    case MessageType::read_property:
      return FrameType::read_property;
    case MessageType::write_property:
      return FrameType::write_property;
    case MessageType::invoke_function:
      return FrameType::function;
    case MessageType::acknowledge:
      return FrameType::ack;
    default:
      return FrameType::keepalive;  // which is never sent
  }
}

Status put_body(std::string& bytes, const DownMessage& message) {
  switch (message.type) {
    case MessageType::read_property:
      return put_read(bytes, message.body);
    case MessageType::write_property:
      return put_write(bytes, message.body);
    case MessageType::invoke_function:
      return put_invoke(bytes, message.body);
    default:
      return put_ack(bytes, message.body);
  }
}

// What the transport has around the message: its length, which finish() knows, or the key.
void put_wrapping(std::string& bytes, Transport transport, std::string_view key) {
  if (transport == Transport::tcp) return bytes.append(kLengthBytes, '\0'), void();
  put(bytes, std::uint8_t{0});
  put(bytes, static_cast<std::uint16_t>(key.size()));
  bytes += key;
}

void put_header(std::string& bytes, FrameType type, Millis timestamp, std::uint16_t sequence,
                std::string_view device_id) {
  put(bytes, static_cast<std::uint8_t>(type));
  put(bytes, timestamp);
  put(bytes, sequence);
  put(bytes, static_cast<std::uint16_t>(device_id.size()));
  bytes += device_id;
}

// Writes the length of a TCP frame that begins at `start`.
void finish(std::string& bytes, std::size_t start, Transport transport) {
  if (transport != Transport::tcp) return;
  const auto length = static_cast<std::uint32_t>(bytes.size() - start - kLengthBytes);
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    bytes[start + i] = static_cast<char>((length >> (8 * (kLengthBytes - 1 - i))) & 0xFFu);
  }
}
}  // namespace

void append_ack(std::string& bytes, Transport transport, AckCode code, Millis now, std::uint16_t sequence,
                std::string_view device_id) {
  const std::size_t start = bytes.size();
  put_wrapping(bytes, transport, {});
  put_header(bytes, FrameType::ack, now, sequence, device_id);
  put(bytes, static_cast<std::uint8_t>(code));
  finish(bytes, start, transport);
}

Result<Encoded> encode_binary(const DownMessage& message, Transport transport, const Peer& peer) {
  Encoded encoded;
  JL_CHECK(check_addressee(message, peer.device));
  if (message.type == MessageType::disconnect) {
    encoded.disconnect = true;
    return encoded;
  }
  const FrameType type = frame_type(message.type);
  if (type == FrameType::keepalive) return unsupported_message(message.type, transport);
  const std::string_view key = peer.device.config("secureKey");
  if (transport == Transport::udp && (key.empty() || key.size() > kMaxCount)) {
    return Error(Errc::unsupported_message, "the device has no secureKey that a datagram could carry");
  }
  std::string body;
  JL_CHECK(put_body(body, message));
  // Nothing fails from here on but the size: a message that is not sent takes no sequence number.
  Downlink downlink;
  downlink.text = false;
  std::string& bytes = downlink.payload;
  put_wrapping(bytes, transport, key);
  const std::size_t size = bytes.size() + body.size() + peer.device.device_id.size() + 13;
  if (transport == Transport::udp && size > kMaxDatagram) {
    return Error(Errc::too_large, "the message does not fit into a datagram");
  }
  put_header(bytes, type, integer_of(&message.body, "timestamp"), sequence_of(message, state_of(peer)),
             peer.device.device_id);
  bytes += body;
  finish(bytes, 0, transport);
  encoded.sends.push_back(std::move(downlink));
  return encoded;
}

}  // namespace jl::codec::official

#include "daemon/wire/mqtt/properties.hpp"

#include <array>

namespace jl::wire::mqtt {
namespace {
enum class Kind : std::uint8_t { none, u8, u16, u32, varint, text, binary, pair };

struct Rule {
  Kind kind = Kind::none;
  std::uint8_t scopes = 0;
};

constexpr std::uint8_t in(PropertyScope scope) { return static_cast<std::uint8_t>(scope); }
constexpr std::uint8_t kAnywhere = 0x7F;
constexpr std::size_t kIdentifiers = 0x2B;

// MQTT 5 §2.2.2.2, table 2-4, without what only a server sends.
constexpr auto kRules = [] {
  constexpr auto connect = in(PropertyScope::connect);
  constexpr auto message = static_cast<std::uint8_t>(in(PropertyScope::publish) | in(PropertyScope::will));
  std::array<Rule, kIdentifiers> rules{};
  const auto rule = [&](PropertyId id, Kind kind, int scopes) {
    rules[static_cast<std::size_t>(id)] = {kind, static_cast<std::uint8_t>(scopes)};
  };
  rule(PropertyId::payload_format, Kind::u8, message);
  rule(PropertyId::message_expiry, Kind::u32, message);
  rule(PropertyId::content_type, Kind::text, message);
  rule(PropertyId::response_topic, Kind::text, message);
  rule(PropertyId::correlation_data, Kind::binary, message);
  rule(PropertyId::subscription_id, Kind::varint, in(PropertyScope::subscribe) | in(PropertyScope::publish));
  rule(PropertyId::session_expiry, Kind::u32, connect | in(PropertyScope::disconnect));
  rule(PropertyId::authentication_method, Kind::text, connect);
  rule(PropertyId::authentication_data, Kind::binary, connect);
  rule(PropertyId::request_problem_information, Kind::u8, connect);
  rule(PropertyId::will_delay, Kind::u32, in(PropertyScope::will));
  rule(PropertyId::request_response_information, Kind::u8, connect);
  rule(PropertyId::reason_string, Kind::text, in(PropertyScope::acknowledgement) | in(PropertyScope::disconnect));
  rule(PropertyId::receive_maximum, Kind::u16, connect);
  rule(PropertyId::topic_alias_maximum, Kind::u16, connect);
  rule(PropertyId::topic_alias, Kind::u16, in(PropertyScope::publish));
  rule(PropertyId::user_property, Kind::pair, kAnywhere);
  rule(PropertyId::maximum_packet_size, Kind::u32, connect);
  return rules;
}();

struct Value {
  std::uint32_t number = 0;
  std::string_view text;
  std::string_view name;  // of a user property
};

Value read_value(Reader& reader, Kind kind) {
  Value value;
  switch (kind) {
    case Kind::u8:
      value.number = reader.u8();
      break;
    case Kind::u16:
      value.number = reader.u16();
      break;
    case Kind::u32:
      value.number = reader.u32();
      break;
    case Kind::varint:
      value.number = reader.varint();
      break;
    case Kind::text:
      value.text = reader.text();
      break;
    case Kind::binary:
      value.text = reader.binary();
      break;
    case Kind::pair:
      value.name = reader.text();
      value.text = reader.text();
      break;
    case Kind::none:
      break;
  }
  return value;
}

// The bounds that the sections of the single properties put on their values.
Fault check_value(PropertyId id, const Value& value) {
  switch (id) {
    case PropertyId::payload_format:
    case PropertyId::request_problem_information:
    case PropertyId::request_response_information:
      return value.number > 1 ? violation("property value is neither 0 nor 1") : Fault{};
    case PropertyId::receive_maximum:
      return value.number == 0 ? violation("receive maximum is zero") : Fault{};
    case PropertyId::maximum_packet_size:
      return value.number == 0 ? violation("maximum packet size is zero") : Fault{};
    case PropertyId::subscription_id:
      return value.number == 0 ? violation("subscription identifier is zero") : Fault{};
    case PropertyId::topic_alias:
      return value.number == 0 ? Fault{ReasonCode::topic_alias_invalid, "topic alias is zero"} : Fault{};
    case PropertyId::response_topic:
      return is_valid_topic_name(value.text) ? Fault{} : violation("response topic is not a topic name");
    default:
      return {};
  }
}

void store(PropertyId id, const Value& value, Properties& into) {
  const auto narrow8 = static_cast<std::uint8_t>(value.number);
  const auto narrow16 = static_cast<std::uint16_t>(value.number);
  switch (id) {
    case PropertyId::payload_format:
      into.payload_format = narrow8;
      break;
    case PropertyId::message_expiry:
      into.message_expiry = value.number;
      break;
    case PropertyId::content_type:
      into.content_type = value.text;
      break;
    case PropertyId::response_topic:
      into.response_topic = value.text;
      break;
    case PropertyId::correlation_data:
      into.correlation_data = value.text;
      break;
    case PropertyId::subscription_id:
      into.subscription_id = value.number;
      break;
    case PropertyId::session_expiry:
      into.session_expiry = value.number;
      break;
    case PropertyId::authentication_method:
      into.authentication_method = value.text;
      break;
    case PropertyId::request_problem_information:
      into.request_problem_information = narrow8;
      break;
    case PropertyId::will_delay:
      into.will_delay = value.number;
      break;
    case PropertyId::request_response_information:
      into.request_response_information = narrow8;
      break;
    case PropertyId::receive_maximum:
      into.receive_maximum = narrow16;
      break;
    case PropertyId::topic_alias_maximum:
      into.topic_alias_maximum = narrow16;
      break;
    case PropertyId::topic_alias:
      into.topic_alias = narrow16;
      break;
    case PropertyId::user_property:
      into.user_properties.emplace_back(value.name, value.text);
      break;
    case PropertyId::maximum_packet_size:
      into.maximum_packet_size = value.number;
      break;
    default:
      break;
  }
}
}  // namespace

Fault read_properties(Reader& packet, PropertyScope scope, std::size_t max_user, Properties& into) {
  const std::uint32_t size = packet.varint();
  if (size == 0 && packet.ok()) return {};
  into.encoded = packet.bytes(size);
  Reader reader(into.encoded);
  if (!packet.ok()) return malformed("property length is wrong");
  while (!reader.empty()) {
    const std::uint32_t number = reader.varint();
    if (!reader.ok() || number >= kIdentifiers) return malformed("unknown property");
    const Rule rule = kRules[number];
    const auto id = static_cast<PropertyId>(number);
    if ((rule.scopes & in(scope)) == 0) return malformed("property is not allowed in this packet");
    const Value value = read_value(reader, rule.kind);
    if (!reader.ok()) return malformed("property value is malformed");
    if (id == PropertyId::user_property) {
      if (into.user_properties.size() >= max_user) return {ReasonCode::quota_exceeded, "too many user properties"};
    } else if (into.has(id)) {
      return violation("property stands twice");
    }
    if (const Fault fault = check_value(id, value)) return fault;
    into.present |= std::uint64_t{1} << number;
    store(id, value, into);
  }
  return {};
}

std::string_view forwarded_properties(const Properties& properties, std::string& buffer) {
  constexpr auto bit = [](PropertyId id) { return std::uint64_t{1} << static_cast<unsigned>(id); };
  constexpr std::uint64_t kForwarded = bit(PropertyId::payload_format) | bit(PropertyId::content_type) |
                                       bit(PropertyId::response_topic) | bit(PropertyId::correlation_data) |
                                       bit(PropertyId::user_property);
  if ((properties.present & kForwarded) == 0) return {};
  if ((properties.present & ~kForwarded) == 0) return properties.encoded;
  buffer.clear();
  for (std::string_view rest = properties.encoded; !rest.empty();) {
    Reader reader(rest);
    const std::uint32_t number = reader.varint();
    (void)read_value(reader, kRules[number].kind);
    const std::size_t size = rest.size() - reader.left();
    if ((kForwarded >> number & 1u) != 0) buffer.append(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return buffer;
}

}  // namespace jl::wire::mqtt

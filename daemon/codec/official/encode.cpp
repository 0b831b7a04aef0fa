#include "daemon/codec/official/encode.hpp"

#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/decode.hpp"
#include "daemon/codec/official/topics.hpp"

#include <boost/json.hpp>

namespace jl::codec::official {
namespace {
namespace json = boost::json;

// One message on its way down: the innermost of nested child messages, and the topic that leads there.
struct Target {
  MessageType type;
  const json::object* body;
  std::string device_id;
  std::string topic;
};

const json::value* find(const json::object& body, std::string_view key) {
  const json::value* found = body.if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string_view text_of(const json::object& body, std::string_view key) {
  const json::value* found = find(body, key);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

// wire.md 2.4: the header productId, else the device's own, else the literal text "null".
Result<std::string> product_segment(const json::object& body, const DeviceIdentity& device) {
  const json::value* headers = find(body, "headers");
  const std::string_view wanted =
      headers != nullptr && headers->is_object() ? text_of(headers->get_object(), "productId") : std::string_view();
  if (wanted.empty()) return device.product_id.empty() ? std::string("null") : device.product_id;
  if (!is_topic_segment(wanted))
    return Error(Errc::invalid, "the product id cannot stand in a topic", "", "headers.productId");
  return std::string(wanted);
}

// Steps from CHILD to the message that it holds. The topic names the nested message's deviceId (wire.md 2.5).
Status descend(Target& target) {
  const json::value* nested = find(*target.body, "childDeviceMessage");
  if (nested == nullptr || !nested->is_object()) {
    return Error(Errc::invalid, "a message to a child device must hold one", "", "childDeviceMessage");
  }
  target.body = &nested->get_object();
  target.device_id = text_of(*target.body, "deviceId");
  if (!is_topic_segment(target.device_id)) {
    return Error(Errc::invalid, "the child device id cannot stand in a topic", "", "childDeviceMessage.deviceId");
  }
  target.type = message_type_from(text_of(*target.body, "messageType")).value_or(MessageType::unknown);
  target.topic += "/child/" + target.device_id;
  return {};
}

json::object sent_headers(const json::object& headers) {
  json::object sent;
  for (const auto& [key, value] : headers) {
    if (!value.is_null() && !key.starts_with('_') && key != "token") sent.emplace(key, value);
  }
  return sent;
}

// Functions take their inputs as a list of name and value on topics; callers may give them as an object.
json::array input_list(const json::object& inputs) {
  json::array list;
  for (const auto& [name, value] : inputs) list.push_back(json::object{{"name", name}, {"value", value}});
  return list;
}

// What the type has even when the caller left it out (wire.md 1.2, 6).
void add_defaults(MessageType type, bool v1_compat, json::object& sent) {
  const auto add = [&](std::string_view key, json::value value) { sent.emplace(key, std::move(value)); };
  switch (type) {
    case MessageType::read_property:
      add("properties", json::array());
      break;
    case MessageType::write_property:
      add("properties", json::object());
      break;
    case MessageType::invoke_function:
      add("inputs", json::array());
      if (sent.at("inputs").is_object()) sent["inputs"] = input_list(sent.at("inputs").get_object());
      if (v1_compat && sent.contains("functionId")) add("function", sent.at("functionId"));
      break;
    case MessageType::read_collector_data:
      add("addresses", json::array());
      break;
    case MessageType::write_collector_data:
      add("data", json::array());
      break;
    case MessageType::upgrade_firmware:
      add("size", 0);
      break;
    case MessageType::request_firmware_reply:
      add("success", true);
      add("size", 0);
      break;
    default:
      break;
  }
}

std::string payload_of(const Target& target, bool v1_compat) {
  const json::object& body = *target.body;
  json::object sent;
  sent.emplace("messageType", json::string(to_string(target.type)));
  if (const json::value* id = find(body, "messageId")) sent.emplace("messageId", *id);
  sent.emplace("deviceId", json::string(target.device_id));
  if (const json::value* time = find(body, "timestamp")) sent.emplace("timestamp", *time);
  for (const auto& [key, value] : body) {
    if (value.is_null() || key == "replyType" || key == "thingType" || key == "headers") continue;
    sent.emplace(key, value);
  }
  add_defaults(target.type, v1_compat, sent);
  if (const json::value* headers = find(body, "headers"); headers != nullptr && headers->is_object()) {
    if (json::object kept = sent_headers(headers->get_object()); !kept.empty())
      sent.emplace("headers", std::move(kept));
  }
  std::string text;
  append_value(text, sent);
  return text;
}
}  // namespace

Result<Encoded> encode_mqtt(const DownMessage& message, const DeviceIdentity& device) {
  Encoded encoded;
  const json::value* addressee = find(message.body, "deviceId");
  if (addressee != nullptr && text_of(message.body, "deviceId") != device.device_id) {
    return Error(Errc::invalid, "the message is for another device", "", "deviceId");
  }
  if (message.type == MessageType::disconnect) {
    encoded.disconnect = true;
    return encoded;
  }
  JL_TRY(const std::string product, product_segment(message.body, device));
  Target target{message.type, &message.body, device.device_id, "/" + product + "/" + device.device_id};
  for (std::size_t depth = 0; target.type == MessageType::child; ++depth) {
    if (depth == kMaxChildDepth) return Error(Errc::invalid, "child devices are nested deeper than 8 levels");
    JL_CHECK(descend(target));
  }
  const std::string_view suffix = down_suffix(target.type);
  if (suffix.empty()) {
    return Error(Errc::unsupported_message,
                 "a message of type " + std::string(to_string(target.type)) + " cannot be sent over MQTT");
  }
  encoded.sends.push_back(
      {target.topic + "/" + std::string(suffix), payload_of(target, is_v1_compatible(device)), down_qos(device)});
  return encoded;
}

}  // namespace jl::codec::official

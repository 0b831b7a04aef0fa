#include "daemon/codec/official/down_message.hpp"

#include "daemon/codec/official/topics.hpp"

#include <boost/json.hpp>

namespace jl::codec::official {
namespace json = boost::json;

namespace {
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
}  // namespace

const json::value* find(const json::object& body, std::string_view key) {
  const json::value* found = body.if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string_view text_of(const json::object& body, std::string_view key) {
  const json::value* found = find(body, key);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

Status check_addressee(const DownMessage& message, const DeviceIdentity& device) {
  if (find(message.body, "deviceId") == nullptr || text_of(message.body, "deviceId") == device.device_id) return {};
  return Error(Errc::invalid, "the message is for another device", "", "deviceId");
}

Result<ChildMessage> child_of(const json::object& body) {
  const json::value* nested = find(body, "childDeviceMessage");
  if (nested == nullptr || !nested->is_object()) {
    return Error(Errc::invalid, "a message to a child device must hold one", "", "childDeviceMessage");
  }
  ChildMessage child;
  child.body = &nested->get_object();
  child.device_id = text_of(*child.body, "deviceId");
  if (!is_topic_segment(child.device_id)) {
    return Error(Errc::invalid, "the child device id cannot stand in a topic", "", "childDeviceMessage.deviceId");
  }
  child.type = message_type_from(text_of(*child.body, "messageType")).value_or(MessageType::unknown);
  return child;
}

Error unsupported_message(MessageType type, Transport transport) {
  return {Errc::unsupported_message, "a message of type " + std::string(to_string(type)) + " cannot be sent over " +
                                         std::string(to_string(transport))};
}

json::object sent_message(MessageType type, const json::object& body, std::string_view device_id, bool v1_compat) {
  json::object sent;
  sent.emplace("messageType", json::string(to_string(type)));
  if (const json::value* id = find(body, "messageId")) sent.emplace("messageId", *id);
  sent.emplace("deviceId", json::string(device_id));
  if (const json::value* time = find(body, "timestamp")) sent.emplace("timestamp", *time);
  for (const auto& [key, value] : body) {
    if (value.is_null() || key == "replyType" || key == "thingType" || key == "headers") continue;
    sent.emplace(key, value);
  }
  add_defaults(type, v1_compat, sent);
  if (const json::value* headers = find(body, "headers"); headers != nullptr && headers->is_object()) {
    if (json::object kept = sent_headers(headers->get_object()); !kept.empty()) {
      sent.emplace("headers", std::move(kept));
    }
  }
  return sent;
}

}  // namespace jl::codec::official

#include "daemon/codec/official/encode.hpp"

#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/decode.hpp"
#include "daemon/codec/official/down_message.hpp"

#include <boost/json.hpp>

namespace jl::codec::official {
namespace {
namespace json = boost::json;

Error too_deep() { return {Errc::invalid, "child devices are nested deeper than 8 levels"}; }

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

std::string json_text(const json::object& sent) {
  std::string text;
  append_value(text, sent);
  return text;
}

// The message with its children nested in it. `depth` is how many wrappers stand around it.
Result<json::object> nested_object(const ChildMessage& message, Transport transport, bool v1_compat,
                                   std::size_t depth) {
  json::object sent = sent_message(message.type, *message.body, message.device_id, v1_compat);
  if (message.type != MessageType::child) {
    if (down_suffix(message.type).empty()) return unsupported_message(message.type, transport);
    return sent;
  }
  if (depth == kMaxChildDepth) return too_deep();
  JL_TRY(const ChildMessage child, child_of(*message.body));
  JL_TRY(json::object inner, nested_object(child, transport, v1_compat, depth + 1));
  sent["childDeviceId"] = json::string(child.device_id);
  sent["childDeviceMessage"] = std::move(inner);
  return sent;
}
}  // namespace

Result<Encoded> encode_mqtt(const DownMessage& message, const DeviceIdentity& device) {
  Encoded encoded;
  JL_CHECK(check_addressee(message, device));
  if (message.type == MessageType::disconnect) {
    encoded.disconnect = true;
    return encoded;
  }
  JL_TRY(const std::string product, product_segment(message.body, device));
  ChildMessage target{message.type, &message.body, device.device_id};
  std::string topic = "/" + product + "/" + device.device_id;
  // The topic names the nested message's deviceId (wire.md 2.5).
  for (std::size_t depth = 0; target.type == MessageType::child; ++depth) {
    if (depth == kMaxChildDepth) return too_deep();
    JL_TRY(target, child_of(*target.body));
    topic.append("/child/").append(target.device_id);
  }
  const std::string_view suffix = down_suffix(target.type);
  if (suffix.empty()) return unsupported_message(target.type, Transport::mqtt);
  topic.append("/").append(suffix);
  encoded.sends.push_back(
      {std::move(topic), json_text(sent_message(target.type, *target.body, target.device_id, is_v1_compatible(device))),
       down_qos(device)});
  return encoded;
}

Result<Encoded> encode_json(const DownMessage& message, const DeviceIdentity& device, Transport transport) {
  Encoded encoded;
  JL_CHECK(check_addressee(message, device));
  if (message.type == MessageType::disconnect) {
    encoded.disconnect = true;
    return encoded;
  }
  JL_TRY(const json::object sent,
         nested_object({message.type, &message.body, device.device_id}, transport, is_v1_compatible(device), 0));
  Downlink downlink;
  downlink.payload = json_text(sent);
  encoded.sends.push_back(std::move(downlink));
  return encoded;
}

}  // namespace jl::codec::official

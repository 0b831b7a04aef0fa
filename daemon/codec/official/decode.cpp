#include "daemon/codec/official/decode.hpp"

#include "common/base/words.hpp"
#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/payload.hpp"
#include "daemon/codec/official/topics.hpp"

namespace jl::codec::official {
namespace {
Status check_id(std::string_view id, const char* what) {
  if (id.size() > kMaxIdBytes)
    return Error(Errc::invalid, std::string(what) + " in the topic is longer than 256 bytes");
  if (!is_printable_utf8(id)) return Error(Errc::invalid, std::string(what) + " in the topic is not printable UTF-8");
  return {};
}

Status check_ids(const TopicMatch& topic) {
  for (std::size_t i = 0; i < topic.child_depth; ++i) JL_CHECK(check_id(topic.children[i].id, "the child device id"));
  return topic.type == MessageType::event ? check_id(topic.event, "the event id") : Status();
}

// The message of `depth` children below `out`, made when there was none yet.
DeviceMessage& child_at(DeviceMessage& out, std::size_t depth) {
  DeviceMessage* message = &out;
  for (std::size_t i = 0; i < depth; ++i) {
    if (!message->child) message->child = std::make_unique<DeviceMessage>();
    message = message->child.get();
    message->clear();
  }
  return *message;
}

// CHILD and CHILD_REPLY take messageId and timestamp from what they hold (wire.md 2.5).
void wrap_child(DeviceMessage& parent, std::string_view device_id, bool is_reply_topic) {
  const DeviceMessage& child = *parent.child;
  parent.type = is_reply_topic ? MessageType::child_reply : MessageType::child;
  parent.device_id = device_id;
  parent.message_id = child.message_id;
  parent.timestamp = child.timestamp;
  parent.has_child = true;
  append_head(parent.json, parent.type, parent.message_id, device_id, parent.timestamp);
  if (is_reply_topic) parent.json += R"(,"success":true)";
  parent.json += R"(,"childDeviceMessage":)";
  parent.json += child.json;
  parent.json += '}';
}

void wrap_children(const TopicMatch& topic, DeviceMessage& out) {
  for (std::size_t depth = topic.child_depth; depth-- > 0;) {
    DeviceMessage* parent = &out;
    for (std::size_t i = 0; i < depth; ++i) parent = parent->child.get();
    wrap_child(*parent, depth == 0 ? topic.device : topic.children[depth - 1].id, topic.children[depth].reply);
  }
}

Result<Decoded> answer_time_sync(std::string_view payload, const TopicMatch& topic, int qos, Millis now,
                                 Answer& answer) {
  JL_TRY(const std::string_view message_id, decode_time_sync(payload));
  answer.has_reply = true;
  Downlink& reply = answer.reply;
  // The device waits on the topic that it named itself, whatever its product segment was.
  reply.topic = "/";
  reply.topic.append(topic.product).append("/").append(topic.device).append("/time-sync/reply");
  reply.qos = qos;
  reply.payload = "{";
  if (!message_id.empty()) {
    reply.payload += R"("messageId":)";
    append_quoted(reply.payload, message_id);
    reply.payload += ',';
  }
  reply.payload += R"("timestamp":)";
  append_integer(reply.payload, now);
  reply.payload += '}';
  return Decoded::reply;
}
}  // namespace

bool is_v1_compatible(const DeviceIdentity& device) { return device.config("v1Compat") == "true"; }

int down_qos(const DeviceIdentity& device) {
  const std::string_view qos = device.config("downQos");
  return qos == "0" ? 0 : qos == "2" ? 2 : 1;
}

Result<Decoded> decode_mqtt(const Uplink& wire, const DeviceIdentity& device, Millis now, DeviceMessage& out,
                            Answer& answer) {
  out.clear();
  answer.clear();
  const TopicMatch topic = match_up_topic(wire.topic, is_v1_compatible(device));
  if (topic.kind == TopicMatch::Kind::none) return Decoded::nothing;
  if (topic.device != device.device_id) return Error(Errc::denied, "the topic names another device");
  if (topic.kind == TopicMatch::Kind::too_deep) {
    return Error(Errc::invalid, "the topic nests child devices deeper than 8 levels");
  }
  if (topic.kind == TopicMatch::Kind::time_sync) {
    return answer_time_sync(wire.payload, topic, down_qos(device), now, answer);
  }
  JL_CHECK(check_ids(topic));

  PayloadContext context;
  context.type = topic.type;
  context.device_id = topic.child_depth == 0 ? topic.device : topic.children[topic.child_depth - 1].id;
  context.event = topic.event;
  context.now = now;
  context.levels_above = topic.child_depth;
  if (Status decoded = decode_payload(wire.payload, context, child_at(out, topic.child_depth)); !decoded) {
    out.clear();
    return decoded.error();
  }
  wrap_children(topic, out);
  return Decoded::message;
}

}  // namespace jl::codec::official

#include "daemon/codec/official/decode.hpp"

#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/children.hpp"
#include "daemon/codec/official/payload.hpp"

namespace jl::codec::official {
namespace {
Status check_ids(const TopicMatch& topic) {
  for (std::size_t i = 0; i < topic.child_depth; ++i) JL_CHECK(check_id(topic.children[i].id, "the child device id"));
  return topic.type == MessageType::event ? check_id(topic.event, "the event id") : Status();
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
  reply.payload.clear();
  append_time(reply.payload, message_id, now);
  return Decoded::reply;
}
}  // namespace

bool is_v1_compatible(const DeviceIdentity& device) { return device.config("v1Compat") == "true"; }

int down_qos(const DeviceIdentity& device) {
  const std::string_view qos = device.config("downQos");
  return qos == "0" ? 0 : qos == "2" ? 2 : 1;
}

Status decode_topic(const TopicMatch& topic, std::string_view payload, Millis now, DeviceMessage& out) {
  JL_CHECK(check_ids(topic));
  PayloadContext context;
  context.type = topic.type;
  context.device_id = topic.child_depth == 0 ? topic.device : topic.children[topic.child_depth - 1].id;
  context.event = topic.event;
  context.now = now;
  context.levels_above = topic.child_depth;
  DeviceMessage* leaf = &out;
  for (std::size_t i = 0; i < topic.child_depth; ++i) leaf = &nested_message(*leaf);
  if (Status decoded = decode_payload(payload, context, *leaf); !decoded) {
    out.clear();
    return decoded;
  }
  wrap_children(topic, out);
  return {};
}

void append_time(std::string& json, std::string_view message_id, Millis now) {
  json += '{';
  if (!message_id.empty()) {
    json += R"("messageId":)";
    append_quoted(json, message_id);
    json += ',';
  }
  json += R"("timestamp":)";
  append_integer(json, now);
  json += '}';
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
  JL_CHECK(decode_topic(topic, wire.payload, now, out));
  return Decoded::message;
}

}  // namespace jl::codec::official

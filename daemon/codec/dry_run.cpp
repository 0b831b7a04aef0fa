#include "daemon/codec/dry_run.hpp"

#include "common/base/hex.hpp"
#include "common/base/words.hpp"

namespace jl::codec {
namespace json = boost::json;

namespace {

json::object shown(const Downlink& sent, Transport transport) {
  json::object out;
  if (!sent.topic.empty()) out["topic"] = sent.topic;
  out["hex"] = to_hex(sent.payload);
  if (!sent.payload.empty() && is_printable_utf8(sent.payload)) {
    out["text"] = sent.payload;
    boost::system::error_code ec;
    if (auto parsed = json::parse(sent.payload, ec); !ec && parsed.is_structured()) out["json"] = std::move(parsed);
  }
  if (transport == Transport::mqtt) out["qos"] = sent.qos;
  return out;
}

json::value document_of(const DeviceMessage& message) {
  boost::system::error_code ec;
  json::value out = json::parse(message.json, ec);
  return ec ? json::value(message.json) : out;
}

void add_answer(const Answer& answer, Transport transport, json::object& out) {
  json::array sent;
  if (answer.has_reply) sent.push_back(shown(answer.reply, transport));
  for (const auto& further : answer.more) sent.push_back(shown(further, transport));
  if (!sent.empty()) out["sent"] = std::move(sent);
  if (answer.status != 0 || !answer.body.empty()) {
    json::object response;
    if (answer.status != 0) response["status"] = answer.status;
    if (is_printable_utf8(answer.body)) response["body"] = answer.body;
    out["response"] = std::move(response);
  }
  if (answer.close) out["closes"] = true;
}

}  // namespace

json::object dry_decode(const Protocol& protocol, const DryUplink& wire, const DeviceIdentity* device,
                        CodecState* state, Millis now) {
  json::object out;
  Answer answer;
  DeviceMessage message;
  DeviceIdentity named;
  out["messages"] = json::array();
  const Uplink uplink = wire.view();
  if (!device) {
    const auto owner = protocol.owner_of(uplink);
    if (!owner) {
      // What is wrong with the message says more than that it names nobody.
      const auto tried = protocol.decode(uplink, {named, state, false}, now, message, answer);
      Answer refusal;
      protocol.refuse(uplink, Stranger::nameless, now, refusal);
      // What decode() said by itself is told once: to the one who asks first.
      const bool says_nothing = !refusal.has_reply && refusal.status == 0 && refusal.body.empty() && !refusal.close;
      add_answer(says_nothing ? answer : refusal, wire.transport, out);
      out["error"] = tried ? std::string(kNamesNobody) : tried.error().message;
      return out;
    }
    named.device_id = owner->device_id;
    named.product_id = owner->product_id;
  }
  const DeviceIdentity& who = device ? *device : named;
  out["device"] = who.device_id;
  const auto decoded = protocol.decode(uplink, {who, state, device != nullptr}, now, message, answer);
  add_answer(answer, wire.transport, out);
  if (!decoded) {
    out["error"] = decoded.error().message;
  } else if (*decoded == Decoded::refused) {
    out["error"] = "it does not prove to come from the device";
  } else if (*decoded == Decoded::message) {
    json::array messages;
    for (const auto* m = &message; m; m = m->has_next ? m->next.get() : nullptr) messages.push_back(document_of(*m));
    out["messages"] = std::move(messages);
  }
  return out;
}

json::object dry_encode(const Protocol& protocol, const DownMessage& message, Transport transport,
                        const DeviceIdentity& device, CodecState* state) {
  json::object out;
  json::array sent;
  const auto encoded = protocol.encode(message, transport, {device, state});
  if (!encoded) {
    out["sent"] = std::move(sent);
    out["error"] = encoded.error().message;
    return out;
  }
  for (const auto& downlink : encoded->sends) sent.push_back(shown(downlink, transport));
  out["sent"] = std::move(sent);
  if (!encoded->replies.empty()) {
    json::array replies;
    for (const auto& reply : encoded->replies) replies.push_back(document_of(reply));
    out["replies"] = std::move(replies);
  }
  if (encoded->disconnect) out["disconnects"] = true;
  return out;
}

Result<DownMessage> read_down_message(const json::value& document, const DeviceIdentity& device, Millis now) {
  const auto* object = document.if_object();
  if (!object) return Error(Errc::invalid, "a message must be an object", {}, "message");
  DownMessage out{MessageType::unknown, *object};
  const auto has = [&](const char* key) { return out.body.contains(key); };
  if (const auto* word = out.body.if_contains("messageType"); word && word->is_string()) {
    const auto type = message_type_from(word->as_string());
    if (!type)
      return Error(Errc::invalid, "\"" + std::string(word->as_string()) + "\" is no message type",
                   "READ_PROPERTY, WRITE_PROPERTY, INVOKE_FUNCTION, ...", "message.messageType");
    out.type = *type;
  } else if (has("functionId")) {
    out.type = MessageType::invoke_function;
  } else if (const auto* properties = out.body.if_contains("properties")) {
    out.type = properties->is_array() ? MessageType::read_property : MessageType::write_property;
  } else {
    return Error(Errc::invalid, "a message needs a messageType", "READ_PROPERTY, WRITE_PROPERTY, INVOKE_FUNCTION, ...",
                 "message.messageType");
  }
  out.body["messageType"] = to_string(out.type);
  if (!has("messageId")) out.body["messageId"] = "1";
  if (!has("timestamp")) out.body["timestamp"] = now;
  if (!has("deviceId")) out.body["deviceId"] = device.device_id;
  return out;
}

}  // namespace jl::codec

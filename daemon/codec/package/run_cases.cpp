#include "daemon/codec/package/run_cases.hpp"

#include "common/base/hex.hpp"
#include "daemon/codec/dry_run.hpp"
#include "daemon/codec/package/host_call.hpp"

namespace jl::codec::package {
namespace {

// The one device that there is in a case.
class OneDevice final : public DeviceBook {
 public:
  std::optional<DeviceIdentity> find(std::string_view id) const override {
    if (!known || known->device_id != id) return std::nullopt;
    return known;
  }
  std::optional<DeviceIdentity> known;
};

DeviceIdentity identity_of(const Case::Device& device) {
  DeviceIdentity out;
  out.device_id = device.id;
  out.product_id = device.product_id;
  for (const auto& [key, value] : device.config) out.configuration.emplace(key, Secret(value));
  return out;
}

std::string text_of(const CaseInput& input, std::string_view name) {
  for (const auto& [key, value] : input.texts) {
    if (key == name) return value;
  }
  return {};
}

DryUplink uplink_of(const CaseInput& input, Transport transport) {
  DryUplink out;
  out.transport = transport;
  out.payload = input.payload;
  out.topic = text_of(input, transport == Transport::mqtt ? "topic" : "path");
  out.method = text_of(input, "method");
  out.query = text_of(input, "query");
  out.authorization = text_of(input, "authorization");
  for (const auto& [key, value] : input.numbers) {
    if (key == "contentFormat") out.content_format = static_cast<int>(value);
  }
  return out;
}

void add_to(Outcome& outcome, const json::object& shown) {
  if (const auto* messages = shown.if_contains("messages")) {
    for (const auto& message : messages->as_array()) outcome.messages.push_back(message);
  }
  if (const auto* replies = shown.if_contains("replies")) {
    for (const auto& message : replies->as_array()) outcome.messages.push_back(message);
  }
  const auto add_sent = [&](const json::object& sent) {
    const auto* topic = sent.if_contains("topic");
    outcome.sent.push_back({*from_hex(sent.at("hex").as_string()), topic ? std::string(topic->as_string()) : ""});
  };
  if (const auto* sent = shown.if_contains("sent")) {
    for (const auto& wire : sent->as_array()) add_sent(wire.as_object());
  }
  if (const auto* response = shown.if_contains("response")) {
    if (const auto* body = response->as_object().if_contains("body"))
      outcome.sent.push_back({std::string(body->as_string()), {}});
  }
  if (const auto* error = shown.if_contains("error"); error && outcome.error.empty())
    outcome.error = error->as_string();
}

// What the session remembers before the case begins.
std::unique_ptr<CodecState> state_of(const PackageProtocol& codec, const Case& test) {
  auto state = codec.open_state(test.transport);
  static_cast<SessionState&>(*state).json = test.state;
  return state;
}

// The first message of a device that the session does not know yet. There is nothing wrong with one that names nobody,
// as a login that is refused. False as long as the device is not known.
bool decode_first(const PackageProtocol& codec, const DryUplink& wire, const DeviceIdentity& device, CodecState* state,
                  Millis now, Outcome& out) {
  const auto owner = codec.owner_of(wire.view());
  if (owner && owner->device_id == device.device_id) {
    const json::object shown = dry_decode(codec, wire, &device, state, now);
    add_to(out, shown);
    // A session begins with the first message that is the device's.
    return !shown.at("messages").as_array().empty();
  }
  if (owner) {
    add_to(out, dry_decode(codec, wire, nullptr, state, now));
    return false;
  }
  const DeviceIdentity nobody;
  DeviceMessage message;
  Answer answer;
  const auto decoded = codec.decode(wire.view(), {nobody, state, false}, now, message, answer);
  if (!decoded && out.error.empty()) out.error = decoded.error().message;
  if (answer.has_reply) out.sent.push_back({answer.reply.payload, answer.reply.topic});
  for (const auto& further : answer.more) out.sent.push_back({further.payload, further.topic});
  if (!answer.body.empty()) out.sent.push_back({answer.body, {}});
  return false;
}

Outcome outcome_of(const PackageProtocol& codec, const Case& test, const DeviceIdentity* device, Millis now) {
  Outcome out;
  switch (test.kind) {
    case Case::Kind::decode: {
      const auto state = state_of(codec, test);
      bool is_known = !device || test.device->online;
      for (const auto& input : test.inputs) {
        const DryUplink wire = uplink_of(input, test.transport);
        if (is_known) {
          add_to(out, dry_decode(codec, wire, device, state.get(), now));
        } else {
          is_known = decode_first(codec, wire, *device, state.get(), now, out);
        }
      }
      return out;
    }
    case Case::Kind::encode: {
      const DeviceIdentity nobody;
      const DeviceIdentity& who = device ? *device : nobody;
      boost::system::error_code ec;
      const auto message = read_down_message(json::parse(test.message, ec), who, now);
      if (!message) {
        out.error = message.error().message;
        return out;
      }
      const auto state = state_of(codec, test);
      add_to(out, dry_encode(codec, *message, test.transport, who, state.get()));
      return out;
    }
    case Case::Kind::authenticate:
      break;
  }
  const CaseInput& input = test.inputs.front();
  const std::string client_id = text_of(input, "clientId"), username = text_of(input, "username"),
                    password = text_of(input, "password"), subject = text_of(input, "tlsSubject"),
                    path = text_of(input, "path"), query = text_of(input, "query"),
                    authorization = text_of(input, "authorization");
  DeviceIdentity named;
  named.device_id = client_id;
  const DeviceIdentity& who = device ? *device : named;
  const AuthOutcome result =
      test.transport == Transport::websocket
          ? codec.authenticate(WebSocketCredentials{path, query, authorization, subject}, who)
          : codec.authenticate(MqttCredentials{client_id, username, password, subject}, who, now);
  if (result == AuthOutcome::failed) out.error = to_string(result);
  out.success = result == AuthOutcome::ok;
  return out;
}

}  // namespace

std::vector<CaseResult> run_cases(const std::shared_ptr<const Package>& package, const std::vector<Case>& cases,
                                  Millis now, const std::function<bool()>& goes_on) {
  std::vector<CaseResult> out;
  OneDevice book;
  PackageProtocol codec(package->descriptor->id, &book);
  codec.set(package);
  for (const Case& test : cases) {
    CaseResult& result = out.emplace_back(CaseResult{test.name, test.position, {}, {}});
    if (goes_on && !goes_on()) {
      result.difference = "not run: the time for all cases is over";
      continue;
    }
    book.known = test.device ? std::optional(identity_of(*test.device)) : std::nullopt;
    const LogCapture capture(result.logs);
    // On TCP a device proves itself by what it sends: its first frame comes without a session.
    result.difference = difference(test, outcome_of(codec, test, book.known ? &*book.known : nullptr, now));
  }
  return out;
}

}  // namespace jl::codec::package

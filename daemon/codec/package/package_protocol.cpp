#include "daemon/codec/package/package_protocol.hpp"

#include "daemon/base/clock.hpp"
#include "daemon/base/log.hpp"
#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/json_message.hpp"
#include "daemon/codec/package/host_call.hpp"
#include "daemon/codec/package/messages.hpp"
#include "daemon/codec/package/topic_pattern.hpp"

#include <boost/json.hpp>
#include <unordered_map>

namespace jl::codec::package {
namespace {

std::uint64_t next_version() {
  static std::atomic<std::uint64_t> versions{0};
  return versions.fetch_add(1) + 1;
}

void note_failure(std::string_view protocol, Function function, const Error& error) {
  if (LogCapture::is_on()) return;  // whoever tries a package out is told in another way
  static log::RateLimit limit;
  std::uint64_t held = 0;
  if (limit.allow(system_clock().steady(), held)) {
    log::warn("codec.package", "protocol={} {}() failed: {} more={}", protocol, to_string(function), error.message,
              held);
  }
}

// The members of an uplink that scripts see beside its payload.
struct UplinkMembers {
  explicit UplinkMembers(const Uplink& wire)
      : texts{{{wire.transport == Transport::mqtt ? "topic" : "path", wire.topic},
               {"method", wire.method},
               {"query", wire.query},
               {"authorization", wire.authorization},
               {"contentType", wire.content_type},
               {"deviceOption", wire.device_option},
               {"provenId", wire.proven_id}}},
        numbers{{{"contentFormat", static_cast<double>(wire.content_format)}}} {}
  std::array<script::Invocation::Text, 7> texts;
  std::array<script::Invocation::Number, 1> numbers;
};

script::Invocation invocation_of(const Package& package, const Uplink& wire, Function function,
                                 const UplinkMembers& members) {
  script::Invocation out;
  out.entry = package.module_of(wire.transport);
  out.function = to_string(function);
  out.transport = to_string(wire.transport);
  out.texts = members.texts;
  if (wire.content_format >= 0) out.numbers = members.numbers;
  out.payload = wire.payload;
  return out;
}

std::string* text_of(CodecState* state) { return state ? &static_cast<SessionState*>(state)->json : nullptr; }

// What decode() made of a message before it was known whose it is.
struct Early {
  const PackageProtocol* protocol = nullptr;
  std::uint64_t version = 0;
  Transport transport{};
  std::string topic, payload, device_id, state;
  std::vector<std::string> messages;
  Answer answer;
  Status outcome;

  [[nodiscard]] bool is_of(const PackageProtocol* who, std::uint64_t its_version, const Uplink& wire) const {
    return protocol == who && version == its_version && transport == wire.transport && payload == wire.payload &&
           topic == wire.topic;
  }
};
Early& early() {
  thread_local Early instance;
  return instance;
}

}  // namespace

PackageProtocol::PackageProtocol(std::string id, const DeviceBook* devices)
    : id_(std::move(id)), devices_(devices), package_(nullptr) {}

void PackageProtocol::set(std::shared_ptr<const Package> package) {
  package_.store(std::move(package));
  version_.store(next_version(), std::memory_order_release);
}

std::shared_ptr<const Package> PackageProtocol::package() const { return package_.load(); }

std::shared_ptr<const Package> PackageProtocol::current() const {
  struct Kept {
    std::uint64_t version = 0;
    std::shared_ptr<const Package> package;
  };
  thread_local std::unordered_map<const PackageProtocol*, Kept> kept;
  Kept& mine = kept[this];
  // Versions are unique in the process, so that another protocol at the same address is told apart.
  if (const std::uint64_t now = version_.load(std::memory_order_acquire); mine.version != now) {
    mine.package = package_.load();
    mine.version = now;
  }
  return mine.package;
}

std::shared_ptr<const Descriptor> PackageProtocol::descriptor() const {
  static const auto none = std::make_shared<const Descriptor>();
  const auto package = package_.load();
  return package ? package->descriptor : none;
}

// ---- who it is

AuthOutcome PackageProtocol::ask(Transport transport, script::Invocation what, const DeviceIdentity& device) const {
  const auto package = current();
  if (!package || !package->descriptor->find(transport)) return AuthOutcome::unsupported;
  if (!package->has(transport, Function::authenticate)) {
    return package->manifest.entries[static_cast<std::size_t>(transport)].auth ? AuthOutcome::unsupported
                                                                               : AuthOutcome::ok;
  }
  what.entry = package->module_of(transport);
  what.function = to_string(Function::authenticate);
  what.transport = to_string(transport);
  what.is_request = true;
  HostCall call(id_, *package, transport, &device, nullptr, devices_, jl::system_clock().now());
  std::string json;
  if (const Status done = package->program->call(what, call, json); !done) {
    note_failure(id_, Function::authenticate, done.error());
    return AuthOutcome::failed;
  }
  if (json == "true") return AuthOutcome::ok;
  boost::system::error_code ec;
  const auto answer = boost::json::parse(json, ec);
  const auto* object = ec ? nullptr : answer.if_object();
  const auto* success = object ? object->if_contains("success") : nullptr;
  const auto* named = object ? object->if_contains("deviceId") : nullptr;
  // Another device than the one that was asked about: identify() is the place to say so.
  const bool other = named && named->is_string() && named->as_string() != device.device_id;
  return success && success->is_bool() && success->as_bool() && !other ? AuthOutcome::ok : AuthOutcome::bad_credentials;
}

AuthOutcome PackageProtocol::authenticate(const MqttCredentials& credentials, const DeviceIdentity& device,
                                          Millis) const {
  const std::array<script::Invocation::Text, 4> texts{{{"clientId", credentials.client_id},
                                                       {"username", credentials.username},
                                                       {"password", credentials.password},
                                                       {"tlsSubject", credentials.tls_subject}}};
  script::Invocation what;
  what.texts = texts;
  return ask(Transport::mqtt, what, device);
}

AuthOutcome PackageProtocol::authenticate(const WebSocketCredentials& credentials, const DeviceIdentity& device) const {
  const std::array<script::Invocation::Text, 4> texts{{{"path", credentials.path},
                                                       {"query", credentials.query},
                                                       {"authorization", credentials.authorization},
                                                       {"tlsSubject", credentials.tls_subject}}};
  script::Invocation what;
  what.texts = texts;
  return ask(Transport::websocket, what, device);
}

std::string_view PackageProtocol::pre_shared_key(const DeviceIdentity& device) const {
  return device.config("secureKey");
}

std::unique_ptr<CodecState> PackageProtocol::open_state(Transport) const { return std::make_unique<SessionState>(); }

std::string PackageProtocol::identify(const Package& package, const script::Invocation& what, Millis now) const {
  const auto transport = *transport_from(what.transport);
  std::string json, state;
  HostCall call(id_, package, transport, nullptr, &state, devices_, now);
  if (const Status done = package.program->call(what, call, json); !done) {
    note_failure(id_, Function::identify, done.error());
    return {};
  }
  boost::system::error_code ec;
  const auto answer = boost::json::parse(json.empty() ? std::string("null") : json, ec);
  if (ec) return {};
  if (answer.is_string()) return std::string(answer.as_string());
  const auto* object = answer.if_object();
  const auto* id = object ? object->if_contains("deviceId") : nullptr;
  return id && id->is_string() ? std::string(id->as_string()) : std::string();
}

std::optional<TopicOwner> PackageProtocol::owner_of(const Uplink& wire) const {
  Early& kept = early();
  kept.protocol = nullptr;
  kept.device_id.clear();
  const auto package = current();
  const TransportDescriptor* row = package ? package->descriptor->find(wire.transport) : nullptr;
  if (!row) return std::nullopt;
  const Millis now = system_clock().now();
  const UplinkMembers members(wire);
  if (package->has(wire.transport, Function::identify)) {
    kept.device_id = identify(*package, invocation_of(*package, wire, Function::identify, members), now);
  } else if (auto owner = owner_by_routes(row->routes, wire.topic); !owner.empty()) {
    kept.device_id = std::move(owner);
  } else if (package->has(wire.transport, Function::decode)) {
    kept.state.clear();
    kept.messages.clear();
    HostCall call(id_, *package, wire.transport, nullptr, &kept.state, devices_, now);
    std::string json;
    kept.outcome = package->program->call(invocation_of(*package, wire, Function::decode, members), call, json);
    if (kept.outcome) kept.outcome = add_messages(json, call.messages);
    if (!kept.outcome) note_failure(id_, Function::decode, kept.outcome.error());
    take_answer(call, kept.answer);
    kept.messages = std::move(call.messages);
    kept.device_id = named_device(kept.messages);
    kept.topic = wire.topic;
    kept.payload = wire.payload;
    kept.transport = wire.transport;
    kept.version = version_.load(std::memory_order_relaxed);
    kept.protocol = this;
  }
  if (kept.device_id.empty() || kept.device_id.size() > 256) return std::nullopt;
  return TopicOwner{{}, kept.device_id};
}

std::optional<TopicOwner> PackageProtocol::owner_of(const WebSocketCredentials& handshake) const {
  Early& kept = early();
  kept.protocol = nullptr;
  const auto package = current();
  const TransportDescriptor* row = package ? package->descriptor->find(Transport::websocket) : nullptr;
  if (!row) return std::nullopt;
  if (package->has(Transport::websocket, Function::identify)) {
    const std::array<script::Invocation::Text, 3> texts{
        {{"path", handshake.path}, {"query", handshake.query}, {"authorization", handshake.authorization}}};
    script::Invocation what;
    what.entry = package->module_of(Transport::websocket);
    what.function = to_string(Function::identify);
    what.transport = to_string(Transport::websocket);
    what.texts = texts;
    kept.device_id = identify(*package, what, system_clock().now());
  } else {
    kept.device_id = owner_by_routes(row->routes, handshake.path);
  }
  if (kept.device_id.empty()) return std::nullopt;
  return TopicOwner{{}, kept.device_id};
}

std::string PackageProtocol::device_of(const MqttCredentials& credentials) const {
  const auto package = current();
  if (!package || !package->has(Transport::mqtt, Function::identify)) return std::string(credentials.client_id);
  const std::array<script::Invocation::Text, 3> texts{{{"clientId", credentials.client_id},
                                                       {"username", credentials.username},
                                                       {"tlsSubject", credentials.tls_subject}}};
  script::Invocation what;
  what.entry = package->module_of(Transport::mqtt);
  what.function = to_string(Function::identify);
  what.transport = to_string(Transport::mqtt);
  what.texts = texts;
  return identify(*package, what, system_clock().now());
}

bool PackageProtocol::owns_topic(std::string_view topic_or_filter, const DeviceIdentity& device) const {
  const auto package = current();
  const TransportDescriptor* row = package ? package->descriptor->find(Transport::mqtt) : nullptr;
  return row && std::ranges::any_of(row->routes, [&](const Route& route) {
           return pattern_covers(route.topic, topic_or_filter, device.product_id, device.device_id);
         });
}

// ---- messages

void PackageProtocol::connected(Transport transport, const Peer* peer, Millis now, Answer& answer) const {
  answer.clear();
  const auto package = current();
  if (!package || !package->has(transport, Function::on_connect)) return;
  script::Invocation what;
  what.entry = package->module_of(transport);
  what.function = to_string(Function::on_connect);
  what.transport = to_string(transport);
  what.sends_result = true;
  std::string json, state;
  HostCall call(id_, *package, transport, peer ? &peer->device : nullptr, peer ? text_of(peer->state) : &state,
                devices_, now);
  if (const Status done = package->program->call(what, call, json); !done)
    return note_failure(id_, Function::on_connect, done.error());
  take_answer(call, answer);
}

std::optional<bool> PackageProtocol::check_state(Transport transport, const Peer& peer) const {
  const auto package = current();
  if (!package || !package->has(transport, Function::check_state)) return std::nullopt;
  script::Invocation what;
  what.entry = package->module_of(transport);
  what.function = to_string(Function::check_state);
  what.transport = to_string(transport);
  std::string json;
  HostCall call(id_, *package, transport, &peer.device, text_of(peer.state), devices_, system_clock().now());
  if (const Status done = package->program->call(what, call, json); !done) {
    note_failure(id_, Function::check_state, done.error());
    return std::nullopt;
  }
  if (json == "true" || json == "1" || json == "\"online\"") return true;
  if (json == "false" || json == "-1" || json == "\"offline\"") return false;
  return std::nullopt;
}

void PackageProtocol::refuse(const Uplink& wire, Stranger why, Millis, Answer& answer) const {
  Early& kept = early();
  answer.clear();
  const bool is_early = kept.is_of(this, version_.load(std::memory_order_relaxed), wire);
  kept.protocol = nullptr;
  // What the script said to a device that it took for one of ours is not to be heard: that one is not let in.
  if (why != Stranger::nameless) {
    answer.close = true;
  } else if (is_early) {
    answer = std::move(kept.answer);
  }
}

Result<Decoded> PackageProtocol::decode(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                                        Answer& answer) const {
  out.clear();
  answer.clear();
  Early& kept = early();
  const bool is_early =
      kept.is_of(this, version_.load(std::memory_order_relaxed), wire) && kept.device_id == peer.device.device_id;
  kept.protocol = nullptr;
  std::vector<std::string> messages;
  if (is_early) {
    if (auto* state = text_of(peer.state)) *state = kept.state;
    answer = std::move(kept.answer);
    if (!kept.outcome) return kept.outcome.error();
    messages = std::move(kept.messages);
  } else {
    const auto package = current();
    if (!package) return Error(Errc::unavailable, "protocol \"" + id_ + "\" has no package that works");
    if (!package->has(wire.transport, Function::decode))
      return Error(Errc::invalid,
                   "protocol \"" + id_ + "\" has no decode() for " + std::string(to_string(wire.transport)));
    const UplinkMembers members(wire);
    HostCall call(id_, *package, wire.transport, &peer.device, text_of(peer.state), devices_, now);
    call.address = peer.address;
    std::string json;
    Status done = package->program->call(invocation_of(*package, wire, Function::decode, members), call, json);
    if (done) done = add_messages(json, call.messages);
    take_answer(call, answer);
    if (!done) return done.error();
    messages = std::move(call.messages);
  }
  JL_TRY(const Decoded decoded, read_messages(messages, peer.device, now, out));
  if (decoded == Decoded::message) return decoded;
  // A first message that says nothing proves nothing.
  return peer.logged_in ? Decoded::reply : Decoded::nothing;
}

Result<Encoded> PackageProtocol::encode(const DownMessage& message, Transport transport, const Peer& peer) const {
  const auto package = current();
  if (!package) return Error(Errc::unavailable, "protocol \"" + id_ + "\" has no package that works");
  Encoded out;
  const bool is_disconnect = message.type == MessageType::disconnect;
  const auto unsupported = [&] {
    return Error(Errc::unsupported_message, "protocol \"" + id_ + "\" makes nothing of " +
                                                std::string(to_string(message.type)) + " over " +
                                                std::string(to_string(transport)));
  };
  if (!package->has(transport, Function::encode)) {
    if (!is_disconnect) return unsupported();
    out.disconnect = true;
    return out;
  }
  const Millis now = system_clock().now();
  std::string text, changed, json;
  append_value(text, message.body);
  script::Invocation what;
  what.entry = package->module_of(transport);
  what.transport = to_string(transport);
  HostCall call(id_, *package, transport, &peer.device, text_of(peer.state), devices_, now);
  call.address = peer.address;
  if (package->has(transport, Function::pre_send)) {
    what.function = to_string(Function::pre_send);
    what.json = text;
    JL_CHECK(package->program->call(what, call, changed));
    if (changed.starts_with('{')) text = std::move(changed);
  }
  what.function = to_string(Function::encode);
  what.json = text;
  what.sends_result = true;
  JL_CHECK(package->program->call(what, call, json));
  out.sends = std::move(call.sends);
  out.disconnect = call.closes || (is_disconnect && out.sends.empty());
  for (const auto& reply : call.messages) {
    JL_TRY(const Decoded decoded, official::decode_json_message(with_message_id(reply, message.body), peer.device, now,
                                                                out.replies.emplace_back()));
    if (decoded != Decoded::message) out.replies.pop_back();
  }
  if (out.sends.empty() && out.replies.empty() && !out.disconnect) return unsupported();
  return out;
}

}  // namespace jl::codec::package

#include "daemon/wire/mqtt/server.hpp"

#include "common/base/assert.hpp"
#include "daemon/wire/mqtt/reasons.hpp"
#include "daemon/wire/mqtt/server_impl.hpp"

#include <algorithm>
#include <utility>

namespace jl::wire::mqtt {
namespace {
// The reasons that a Server Reference may go with (MQTT 5 §4.11).
bool is_redirect(ReasonCode reason) {
  return reason == ReasonCode::use_another_server || reason == ReasonCode::server_moved;
}
}  // namespace

// ---- input

void ServerMachine::Impl::feed(std::string_view in, std::string& out) {
  JL_ASSERT(!busy);
  if (is_reading()) {
    drain(in, out);
  } else if (state == State::deciding) {
    hold(in, out);
  }
}

// Handles what is held and then `in`, and keeps what cannot be handled yet.
void ServerMachine::Impl::drain(std::string_view in, std::string& out) {
  busy = true;
  if (!held.empty()) {
    // Nothing points into `held` itself while events run, so that they may end the connection.
    std::string work = std::exchange(held, {});
    // Top up the first packet only: the rest of `in` is then read in place.
    while (!in.empty()) {
      const Frame frame = read_frame(work, version, limits.max_packet);
      if (frame.fault || frame.missing == 0) break;
      const std::size_t taken = std::min(frame.missing, in.size());
      work.append(in.substr(0, taken));
      in.remove_prefix(taken);
    }
    const std::size_t used = consume(work, out);
    if (state != State::closed && used < work.size()) {
      work.erase(0, used);
      held = std::move(work);
    }
  }
  if (held.empty()) in.remove_prefix(consume(in, out));
  busy = false;
  if (state != State::closed && !in.empty()) hold(in, out);
}

std::size_t ServerMachine::Impl::consume(std::string_view in, std::string& out) {
  std::size_t used = 0;
  while (used < in.size() && is_reading()) {
    const std::string_view rest = in.substr(used);
    const Frame frame = read_frame(rest, version, limits.max_packet);
    if (state == State::awaiting_connect && frame.type() != PacketType::connect) {
      fail(violation("first packet is not CONNECT"), out);
      break;
    }
    if (frame.fault) {
      fail(frame.fault, out);
      break;
    }
    if (frame.missing > 0) break;
    used += frame.header + frame.body;
    handle(frame, rest.substr(frame.header, frame.body), out);
  }
  return used;
}

void ServerMachine::Impl::hold(std::string_view in, std::string& out) {
  if (state == State::deciding && held.size() + in.size() > limits.max_packet + kDecidingSlack) {
    reject({ReasonCode::quota_exceeded, "too much input before CONNACK"}, out);
    return;
  }
  held.append(in);
}

void ServerMachine::Impl::handle(const Frame& frame, std::string_view body, std::string& out) {
  switch (frame.type()) {
    case PacketType::publish:
      return handle_publish(frame.first, body, out);
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubcomp:
      return handle_ack(frame.type(), body, out);
    case PacketType::pubrel:
      return handle_pubrel(body, out);
    case PacketType::subscribe:
      return handle_subscribe(body, out);
    case PacketType::unsubscribe:
      return handle_unsubscribe(body, out);
    case PacketType::disconnect:
      return handle_disconnect(body, out);
    case PacketType::pingreq:
      if (!body.empty()) return fail(malformed("PINGREQ with a body"), out);
      out.append("\xD0\0", 2);
      return;
    case PacketType::connect:
      if (state == State::connected) return fail(violation("second CONNECT"), out);
      return handle_connect(body, out);
    default:
      return fail(violation("packet type that only a server sends"), out);
  }
}

// ---- life cycle

void ServerMachine::Impl::handle_connect(std::string_view body, std::string& out) {
  ConnectPacket packet;
  packet.view.version = version;
  const Fault fault = decode_connect(body, limits, packet);
  const ConnectView& view = packet.view;
  version = view.version;
  if (is_v5()) {
    newer = std::make_unique<Newer>();
    newer->max_packet = view.maximum_packet_size;
    newer->asked_expiry = newer->session_expiry = view.session_expiry;
    newer->receive_max = view.receive_maximum;
    newer->alias_max = view.topic_alias_maximum;
    newer->wants_response_information = view.request_response_information;
  }
  if (fault) return reject(fault, out);
  keep_alive = view.keep_alive;
  clean_start = view.clean_start;
  connect_will = std::move(packet.will);
  state = State::deciding;
  events.on_connect(view);
}

void ServerMachine::Impl::handle_disconnect(std::string_view body, std::string& out) {
  DisconnectPacket packet;
  if (const Fault fault = decode_disconnect(body, version, limits, packet)) return fail(fault, out);
  // MQTT 5 §3.14.2.2.2: a session that was to end with the connection cannot be prolonged.
  if (packet.has_session_expiry) {
    if (packet.session_expiry > 0 && newer->asked_expiry == 0) {
      return fail(violation("session expiry set in DISCONNECT but not in CONNECT"), out);
    }
    newer->session_expiry = packet.session_expiry;
  }
  const bool normal = packet.reason == ReasonCode::success;
  if (normal) connect_will.reset();
  finish(CloseCause::client_disconnect, !normal);
}

void ServerMachine::Impl::accept(AcceptOptions&& options, std::string& out) {
  if (state != State::deciding) return;
  const bool session_present = options.session_present && !clean_start;
  if (session_present) session = std::move(options.session);
  if (!is_v5()) {
    append_connack_v3(out, session_present && version == ProtocolVersion::v3_1_1, 0);
  } else if (!write_connack_v5(options, session_present, out)) {
    return reject({ReasonCode::packet_too_large, "maximum packet size is too small for a CONNACK"}, out);
  }
  state = State::connected;
  if (session) resume(out);
  if (!busy && state == State::connected) drain({}, out);
}

bool ServerMachine::Impl::write_connack_v5(const AcceptOptions& options, bool session_present, std::string& out) {
  const bool above_cap = limits.keep_alive_cap > 0 && (keep_alive == 0 || keep_alive > limits.keep_alive_cap);
  const std::uint16_t imposed = options.server_keep_alive > 0 ? options.server_keep_alive : limits.keep_alive_cap;
  ConnackProperties properties;
  if (options.session_expiry && *options.session_expiry != newer->asked_expiry) {
    properties.session_expiry = newer->session_expiry = *options.session_expiry;
  }
  properties.receive_maximum = static_cast<std::uint16_t>(inbound_limit());
  const std::uint32_t body = std::min(limits.max_packet, kMaxRemainingLength);
  properties.maximum_packet_size = static_cast<std::uint32_t>(1 + varint_size(body)) + body;
  properties.topic_alias_maximum = kTopicAliasMaximum;
  properties.has_server_keep_alive = options.server_keep_alive > 0 || above_cap;
  properties.server_keep_alive = imposed;
  properties.assigned_client_id = options.assigned_client_id;
  if (newer->wants_response_information) properties.response_information = options.response_information;
  const std::size_t start = out.size();
  append_connack_v5(out, session_present, properties);
  if (!fits_client(out.size() - start)) {
    out.resize(start);
    return false;
  }
  if (properties.has_server_keep_alive) keep_alive = imposed;
  return true;
}

// MQTT 5 §4.4: what is in flight is sent again, in its order, and nowhere else.
void ServerMachine::Impl::resume(std::string& out) {
  inherited_inbound = static_cast<std::uint16_t>(std::min(session->inbound_qos2.size(), inbound_limit()));
  to_resend = static_cast<std::uint16_t>(session->outbound.size());
  for (OutboundExchange& each : session->outbound) each.waits = true;
  while (std::optional<Delivery> next = session->queue.take_qos0()) {  // needs no room in the window
    const std::uint64_t tag = next->tag;
    const bool sent = publish(std::move(*next), out) == SendResult::sent;
    if (tag == 0) continue;
    if (sent) {
      events.on_delivered(tag);
    } else {
      events.on_discarded(tag);
    }
    if (state != State::connected) return;
  }
  send_waiting(out);
}

// A CONNECT that the machine itself does not let through. MQTT 3.1.1 §3.1.4 answers only two of the reasons.
void ServerMachine::Impl::reject(const Fault& fault, std::string& out) {
  const CloseCause by_reason = cause_of(fault.reason);
  const bool is_error = by_reason != CloseCause::protocol_error || fault.reason == ReasonCode::protocol_error;
  const bool silent = !is_v5() && is_error;
  close_text = fault.text.data();
  if (silent) return finish(by_reason, false);
  refuse(is_error ? by_reason : CloseCause::refused, fault.reason, {.text = fault.text}, out);
}

void ServerMachine::Impl::refuse(CloseCause cause, ReasonCode reason, ReasonDetails details, std::string& out) {
  if (reason < ReasonCode::unspecified_error) reason = ReasonCode::unspecified_error;
  if (is_v5()) {
    details.limit = client_max_packet();
    if (!is_redirect(reason)) details.server_reference = {};
    append_connack_refusal(out, fit_server_reason(PacketType::connack, reason), details);
  } else {
    append_connack_v3(out, false, connack_code_v3(reason));
  }
  finish(cause, false);
}

void ServerMachine::Impl::close(CloseCause cause, ReasonCode reason, ReasonDetails details, std::string& out) {
  if (state == State::closed) return;
  if (state == State::deciding && reason >= ReasonCode::unspecified_error) return refuse(cause, reason, details, out);
  if (state == State::connected && is_v5()) {
    details.limit = client_max_packet();
    if (!is_redirect(reason)) details.server_reference = {};
    append_disconnect(out, fit_server_reason(PacketType::disconnect, reason), details);
  }
  finish(cause, true);
}

void ServerMachine::Impl::fail(const Fault& fault, std::string& out) {
  close_text = fault.text.data();
  close(cause_of(fault.reason), fault.reason, {.text = fault.text}, out);
}

void ServerMachine::Impl::finish(CloseCause cause, bool will_is_due) {
  if (state == State::closed) return;
  const bool will = will_is_due && state == State::connected && connect_will != nullptr;
  state = State::closed;
  held = {};
  events.on_close(cause, will);
}

// ---- the public face

ServerMachine::ServerMachine(ServerEvents& events, const ServerLimits& limits)
    : impl_(std::make_unique<Impl>(events, limits)) {}
ServerMachine::~ServerMachine() = default;

void ServerMachine::feed(std::string_view in, std::string& out) { impl_->feed(in, out); }
void ServerMachine::set_time(std::int64_t now_ms) { impl_->now = now_ms; }
void ServerMachine::accept(AcceptOptions&& options, std::string& out) { impl_->accept(std::move(options), out); }
void ServerMachine::refuse(ReasonCode reason, std::string& out, std::string_view reason_text,
                           std::string_view server_reference) {
  if (impl_->state != State::deciding) return;
  impl_->refuse(CloseCause::refused, reason, {.text = reason_text, .server_reference = server_reference}, out);
}
SendResult ServerMachine::publish(Delivery delivery, std::string& out) {
  return impl_->publish(std::move(delivery), out);
}
bool ServerMachine::publish(const OutgoingPublish& message, std::string& out) { return impl_->publish(message, out); }
void ServerMachine::close(CloseCause cause, ReasonCode reason, std::string& out, std::string_view server_reference) {
  impl_->close(cause, reason, {.server_reference = server_reference}, out);
}
void ServerMachine::connection_lost() { impl_->finish(CloseCause::connection_lost, true); }

std::unique_ptr<SessionState> ServerMachine::release_session() {
  return impl_->state == State::closed ? std::move(impl_->session) : nullptr;
}
const SessionState* ServerMachine::session() const { return impl_->session.get(); }
int ServerMachine::granted_qos(std::string_view topic) const {
  return impl_->session ? impl_->session->granted_qos(topic) : -1;
}
ServerMachine::State ServerMachine::state() const { return impl_->state; }
ProtocolVersion ServerMachine::version() const { return impl_->version; }
std::uint16_t ServerMachine::keep_alive() const { return impl_->keep_alive; }
std::uint32_t ServerMachine::session_expiry() const {
  if (impl_->newer) return impl_->newer->session_expiry;
  return impl_->clean_start ? 0 : kNeverExpires;
}
bool ServerMachine::clean_start() const { return impl_->clean_start; }
const Will* ServerMachine::will() const { return impl_->connect_will.get(); }
std::size_t ServerMachine::held_bytes() const { return impl_->held.size(); }
std::string_view ServerMachine::close_detail() const { return impl_->close_text; }

}  // namespace jl::wire::mqtt

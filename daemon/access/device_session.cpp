#include "daemon/access/device_session.hpp"

#include "daemon/access/presence.hpp"
#include "daemon/access/registration.hpp"

#include <algorithm>

namespace jl::access {
namespace json = boost::json;
using codec::DeviceMessage;
using codec::MessageType;

namespace {

constexpr int kMaxDepth = 8;  // children below children

// Reused for every message of a thread.
struct Scratch {
  DeviceMessage message;
  codec::Answer answer;
};
Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

}  // namespace

DeviceSession::DeviceSession(const Context& context, Admission admission, std::unique_ptr<DeviceLink> link,
                             StillWelcome still_welcome)
    : context_(context),
      link_(std::move(link)),
      address_(link_->peer()),
      thread_(link_->thread()),
      identity_(std::move(admission.device.identity)),
      codec_(*admission.codec),
      network_id_(std::move(admission.network_id)),
      gateway_id_(std::move(admission.gateway_id)),
      counters_(std::move(admission.counters)),
      children_(context_, *counters_),
      pending_(thread_.timers()),
      still_welcome_(std::move(still_welcome)),
      state_(codec_.open_state(link_->transport())),
      logged_in_(link_->transport() != codec::Transport::tcp) {}

bool DeviceSession::renew(Admission admission) {
  if (admission.gateway_id != gateway_id_ || admission.codec != &codec_) return false;
  identity_ = std::move(admission.device.identity);
  return true;
}

void DeviceSession::go_online() {
  auto session = std::make_shared<Session>();
  session->device_id = device_id();
  session->product_id = identity_.product_id;
  session->gateway_id = gateway_id_;
  session->network_id = network_id_;
  session->address = link_->peer();
  session->since = context_.clock.now();
  session->thread = &thread_;
  session->live = weak_from_this();
  session_ = session;
  const auto before = context_.sessions.put(session);
  // Another connection of the device is told that this one takes over, and closed. It is touched on its own thread
  // only.
  const bool is_mine = before && !before->live.owner_before(session->live) && !session->live.owner_before(before->live);
  if (before && !before->is_child() && !is_mine && !before->live.expired()) {
    before->thread->post([weak = before->live] {
      if (const auto taken = weak.lock()) taken->end(EndReason::taken_over);
    });
  }
  record_session(context_, *session, true, thread_);
}

bool DeviceSession::come_back() {
  if (!closed_ && link_->yields()) {
    const auto other = context_.sessions.find(device_id());
    if (other && !other->is_child() && !other->live.expired()) return still_welcome_(device_id(), gateway_id_);
  }
  // While it had no session, changes could not end one.
  if (closed_) return false;
  if (!still_welcome_(device_id(), gateway_id_)) {
    end(EndReason::administrative);
    return false;
  }
  go_online();
  // A change that was committed meanwhile, and looked for sessions before this one was there, ended none.
  if (still_welcome_(device_id(), gateway_id_)) return true;
  end(EndReason::administrative);
  return false;
}

DeviceSession::Uplink DeviceSession::on_uplink(const codec::Uplink& uplink) {
  return on_uplink(uplink, scratch().answer);
}

DeviceSession::Uplink DeviceSession::on_uplink(const codec::Uplink& uplink, codec::Answer& answer) {
  Scratch& s = scratch();
  const codec::Peer peer{identity_, state_.get(), logged_in_, address_};
  const auto decoded = codec_.decode(uplink, peer, context_.clock.now(), s.message, answer);
  counters_->received.fetch_add(1, std::memory_order_relaxed);
  if (context_.is_traced(device_id())) {
    const bool has_message = decoded && *decoded == codec::Decoded::message;
    // A text of its own: error() returns a copy.
    std::string outcome;
    if (!decoded) {
      outcome = decoded.error().message;
    } else if (*decoded == codec::Decoded::refused) {
      outcome = "it does not prove to come from the device";
    } else if (*decoded == codec::Decoded::nothing) {
      outcome = "it is none of the protocol's";
    }
    context_.traces->up(device_id(), uplink, has_message ? &s.message : nullptr, outcome, context_.clock.now());
  }
  if (!decoded) {
    const bool foreign = decoded.error().code == Errc::denied;
    (foreign ? counters_->refused : counters_->undecodable).fetch_add(1, std::memory_order_relaxed);
    std::uint64_t held = 0;
    if (drop_log().allow(context_.clock.steady(), held)) {
      log::warn("access", "dropped device={} topic=\"{}\" reason=\"{}\" more={}", device_id(),
                uplink.topic.substr(0, 200), decoded.error().message, held);
    }
    reply(answer);
    return foreign ? Uplink::foreign : Uplink::invalid;
  }
  Uplink result = Uplink::taken;
  switch (*decoded) {
    case codec::Decoded::nothing:
      counters_->undecodable.fetch_add(1, std::memory_order_relaxed);
      result = Uplink::nothing;
      break;
    case codec::Decoded::refused:
      counters_->rejected.fetch_add(1, std::memory_order_relaxed);
      result = Uplink::refused;
      break;
    case codec::Decoded::reply:
      break;
    case codec::Decoded::message:
      logged_in_ = true;
      if (!handle_all(s.message)) result = Uplink::gone;
      break;
  }
  reply(answer);
  return result;
}

void DeviceSession::reply(const codec::Answer& answer) {
  if (answer.has_reply) (void)send_down(answer.reply, "answer");
  for (const auto& further : answer.more) (void)send_down(further, "answer");
  if (answer.close) end(EndReason::refused);
}

bool DeviceSession::send_down(const codec::Downlink& message, std::string_view why) {
  if (!link_->send(message)) return false;
  counters_->sent.fetch_add(1, std::memory_order_relaxed);
  if (context_.is_traced(device_id()))
    context_.traces->down(device_id(), link_->transport(), message, why, context_.clock.now());
  return true;
}

void DeviceSession::greet() {
  codec::Answer answer;
  const codec::Peer peer{identity_, state_.get(), logged_in_, address_};
  codec_.connected(link_->transport(), &peer, context_.clock.now(), answer);
  reply(answer);
  link_->welcomed();
}

bool DeviceSession::handle_all(const DeviceMessage& first) {
  for (const DeviceMessage* at = &first; at; at = at->has_next ? at->next.get() : nullptr) {
    if (!handle(*at)) return false;
  }
  return true;
}

bool DeviceSession::handle(const DeviceMessage& message) {
  if (message.headers.keep_online)
    keep_online_ = std::clamp<Millis>(message.headers.keep_online_timeout_seconds, 1, 86'400) * 1000;
  if (message.has_child) return handle_child(message, device_id(), 1);
  if (message.headers.ignore_session) {
    pending_.complete(message);
    publish(message, identity_.product_id);
    return true;
  }
  if (message.type == MessageType::offline) {
    // The session ends, and with it those of its children; the connection stays: the next message brings the device
    // back.
    children_.close_all();
    if (session_ && context_.sessions.remove(*session_)) {
      record_session(context_, *session_, false, thread_);
      session_.reset();
    } else if (!message.headers.ignore_if_offline) {
      publish(message, identity_.product_id);
    }
    return true;
  }
  if (!session_ && !come_back()) return false;
  switch (message.type) {
    case MessageType::online:
      if (message.headers.force) publish(message, identity_.product_id);
      return true;
    case MessageType::register_device:
      handle_registration(message, {});
      break;
    case MessageType::derived_metadata:
      derive_metadata(context_.provisioner, message);
      break;
    default:
      pending_.complete(message);
      break;
  }
  publish(message, identity_.product_id);
  return true;
}

void DeviceSession::handle_registration(const DeviceMessage& message, const std::string& parent_id) {
  Registration registration = registration_of(message, parent_id);
  const bool follows = !parent_id.empty() && !registration.self_manage_state && !message.headers.ignore_session;
  const std::string child_id = message.device_id;
  context_.provisioner.register_device(
      std::move(registration),
      [weak = weak_from_this(), &thread = thread_, follows, child_id, parent_id, &clock = context_.clock](Status done) {
        if (!done) {
          std::uint64_t held = 0;
          if (drop_log().allow(clock.steady(), held)) {
            log::warn("access", "registration of device={} by parent={} failed: {} more={}", child_id, parent_id,
                      done.error().message, held);
          }
          return;
        }
        if (!follows) return;
        thread.post([weak, child_id, parent_id] {
          const auto self = weak.lock();
          if (!self || self->closed_ || (!self->session_ && !self->come_back())) return;
          Child* child = self->session_ ? self->children_.find(child_id, parent_id) : nullptr;
          if (child) self->children_.open(*child, child_id, parent_id, *self->session_);
        });
      });
}

void DeviceSession::on_registered(const DeviceMessage& message) {
  const bool stays_offline = message.headers.ignore_session || registration_of(message, {}).self_manage_state;
  if (!stays_offline && !session_ && !come_back()) return;
  publish(message, identity_.product_id);
}

bool DeviceSession::handle_child(const DeviceMessage& wrapper, const std::string& parent_id, int depth) {
  const DeviceMessage& message = *wrapper.child;
  if (!session_ && !come_back()) return false;
  if (message.has_child) {
    if (depth >= kMaxDepth || !children_.find(message.device_id, parent_id)) return true;
    return handle_child(message, message.device_id, depth + 1);
  }
  if (message.type == MessageType::register_device) {
    handle_registration(message, parent_id);
    // Until it is registered a child has no history to write into.
    if (const Child* child = children_.online(message.device_id)) publish(message, child->product_id);
    return true;
  }
  Child* child = children_.find(message.device_id, parent_id);
  if (!child) return true;
  const std::string product_id = child->product_id;
  switch (message.type) {
    case MessageType::offline:
    case MessageType::unregister_device:
      children_.close(message.device_id);
      if (message.type == MessageType::unregister_device) {
        context_.provisioner.unbind_child(message.device_id, parent_id);
        publish(message, product_id);
      }
      return true;
    case MessageType::state_check_reply:
    case MessageType::disconnect_reply:
    case MessageType::disconnect:
    case MessageType::state_check:
      break;
    default:
      if (message.headers.ignore_session || (codec::is_reply(message.type) && !message.success)) break;
      if (session_) children_.open(*child, message.device_id, parent_id, *session_);
      if (message.type == MessageType::online && !message.headers.force) return true;
      if (message.type == MessageType::derived_metadata) derive_metadata(context_.provisioner, message);
      break;
  }
  pending_.complete(message);
  publish(message, product_id);
  return true;
}

void DeviceSession::publish(const DeviceMessage& message, std::string_view product_id) {
  context_.bus.publish({message, product_id, message.device_id, context_.clock.now()}, context_.log_of(thread_));
}

void DeviceSession::on_close(bool may_keep) {
  closed_ = true;
  pending_.fail_all(Errc::connection_lost);
  children_.close_all();
  if (!session_) return;
  counters_->disconnected.fetch_add(1, std::memory_order_relaxed);
  const auto current = context_.sessions.find(device_id());
  if (keep_online_ && may_keep && current == session_) {
    context_.kept[thread_.index()]->keep(session_, *keep_online_, [context = context_](const Session& session) {
      if (context.sessions.remove(session)) record_session(context, session, false, *session.thread);
    });
  } else if (context_.sessions.remove(*session_)) {
    record_session(context_, *session_, false, thread_);
  }
  session_.reset();
}

void DeviceSession::send(const codec::DownMessage& message, const std::string& target_device, MessageType reply,
                         Millis timeout, CommandDone done) {
  if (closed_) return done(Error(Errc::connection_lost, "the connection of device \"" + device_id() + "\" is gone"));
  if (pending_.is_full())
    return done(Error(Errc::system_busy, "too many commands wait for device \"" + device_id() + "\""));
  auto encoded = codec_.encode(message, link_->transport(), {identity_, state_.get(), true, address_});
  if (!encoded) {
    if (context_.is_traced(device_id()))
      context_.traces->trouble(device_id(), "encode: " + encoded.error().message, context_.clock.now());
    return done(encoded.error());
  }
  for (const auto& downlink : encoded->sends) {
    if (Status sent = link_->send(downlink); !sent) {
      Error error = sent.error();
      error.message = "device \"" + device_id() + "\" cannot be sent to: " + error.message;
      return done(std::move(error));
    }
    counters_->sent.fetch_add(1, std::memory_order_relaxed);
    if (context_.is_traced(device_id()))
      context_.traces->down(device_id(), link_->transport(), downlink, codec::to_string(message.type),
                            context_.clock.now());
  }
  // The innermost message carries the id that the answer repeats.
  const json::object* innermost = &message.body;
  while (const auto* nested = innermost->if_contains("childDeviceMessage")) innermost = &nested->as_object();
  std::string message_id(innermost->at("messageId").as_string());
  if (encoded->disconnect && message.type == MessageType::disconnect) {
    done(CommandReply{std::string(), json::object{{"success", true}}, 0});
    return end(EndReason::administrative);
  }
  // A function that the thing model calls async is not waited for (access.md 5.7).
  if (reply == MessageType::unknown) {
    done(CommandReply{std::move(message_id), json::object{{"success", true}, {"code", "REQUEST_HANDLING"}}, 0});
  } else {
    pending_.add(target_device, std::move(message_id), reply, timeout, std::move(done));
  }
  // What the codec answers by itself goes the way of all messages.
  for (const auto& own : encoded->replies) (void)handle(own);
  if (encoded->disconnect) end(EndReason::administrative);
}

}  // namespace jl::access

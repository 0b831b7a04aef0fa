#pragma once
// Builds MQTT packets byte by byte and holds conversations with the machine. Every conversation runs against two
// machines at once, one fed whole buffers and one fed single bytes; both must say and report the same.
#include "daemon/wire/mqtt/server.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::wire::mqtt::testing {

// ---- bytes

inline std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    if (!text.empty()) text += ' ';
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

inline std::string hex(std::string_view text) {
  std::string bytes;
  unsigned value = 0;
  int digits = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'A' + 10;
    value = value << 4 | static_cast<unsigned>(digit);
    if (++digits % 2 == 0) bytes.push_back(static_cast<char>(value & 0xFFu));
  }
  return bytes;
}

inline std::string u8(unsigned value) { return std::string(1, static_cast<char>(value & 0xFFu)); }
inline std::string u16(unsigned value) { return u8(value >> 8) + u8(value); }
inline std::string u32(unsigned value) { return u16(value >> 16) + u16(value); }
inline std::string varint(std::size_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += u8(static_cast<unsigned>(value & 0x7F) | 0x80u);
  return bytes + u8(static_cast<unsigned>(value));
}
inline std::string str(std::string_view text) { return u16(static_cast<unsigned>(text.size())) + std::string(text); }
inline std::string packet(unsigned first, std::string_view body) {
  return u8(first) + varint(body.size()) + std::string(body);
}
/// A property list with its length.
inline std::string props(std::string_view list) { return varint(list.size()) + std::string(list); }

// ---- packets of a client

struct ConnectSpec {
  unsigned level = 4;
  std::string name = "MQTT";
  std::string id = "d1";
  bool clean = true;
  unsigned keep_alive = 60;
  std::string properties{};  ///< MQTT 5
  std::optional<std::string> will_topic{};
  std::string will_payload = "gone";
  std::string will_properties{};  ///< MQTT 5
  unsigned will_qos = 0;
  bool will_retain = false;
  std::optional<std::string> username{};
  std::optional<std::string> password{};
};

inline std::string connect(const ConnectSpec& c) {
  unsigned flags = c.clean ? 2u : 0u;
  if (c.will_topic) flags |= 4u | c.will_qos << 3 | (c.will_retain ? 0x20u : 0u);
  if (c.password) flags |= 0x40u;
  if (c.username) flags |= 0x80u;
  std::string body = str(c.name) + u8(c.level) + u8(flags) + u16(c.keep_alive);
  if (c.level == 5) body += props(c.properties);
  body += str(c.id);
  if (c.will_topic) {
    if (c.level == 5) body += props(c.will_properties);
    body += str(*c.will_topic) + str(c.will_payload);
  }
  if (c.username) body += str(*c.username);
  if (c.password) body += str(*c.password);
  return packet(0x10, body);
}
inline std::string connect_v311() { return connect({}); }
inline std::string connect_v5(const std::string& properties = {}) {
  return connect({.level = 5, .properties = properties});
}

inline std::string publish(unsigned flags, std::string_view topic, unsigned id, std::string_view payload) {
  return packet(0x30u | flags, str(topic) + ((flags & 6u) != 0 ? u16(id) : "") + std::string(payload));
}
inline std::string publish_v5(unsigned flags, std::string_view topic, unsigned id, std::string_view properties,
                              std::string_view payload) {
  return packet(0x30u | flags,
                str(topic) + ((flags & 6u) != 0 ? u16(id) : "") + props(properties) + std::string(payload));
}
struct FilterSpec {
  std::string filter;
  unsigned options = 0;
};
inline std::string subscribe(unsigned id, std::initializer_list<FilterSpec> filters,
                             std::optional<std::string> properties = {}) {
  std::string body = u16(id);
  if (properties) body += props(*properties);
  for (const FilterSpec& each : filters) body += str(each.filter) + u8(each.options);
  return packet(0x82, body);
}
inline std::string unsubscribe(unsigned id, std::initializer_list<std::string> filters,
                               std::optional<std::string> properties = {}) {
  std::string body = u16(id);
  if (properties) body += props(*properties);
  for (const std::string& each : filters) body += str(each);
  return packet(0xA2, body);
}
inline std::string ack(unsigned first, unsigned id) { return packet(first, u16(id)); }
inline const std::string kPing = std::string("\xC0\0", 2);
inline const std::string kDisconnect = std::string("\xE0\0", 2);

// ---- conversations

struct Side;

/// What the owner of the machine does; by default it admits and grants everything.
struct Policy {
  std::function<void(Side&, const ConnectView&)> connect{};
  std::function<ReasonCode(Side&, const PublishView&)> publish{};
  std::function<ReasonCode(Side&, std::string_view, const SubscribeOptions&)> subscribe{};
  std::function<void(Side&, std::uint64_t)> delivered{};
  std::function<void(Side&)> closed{};
  std::function<void(Side&)> subscribed{};
  std::function<void(Side&, std::uint64_t)> sent{};
  bool detailed = false;  ///< the log shows every step of an exchange
};

/// One machine with its owner, who writes down what he is told.
struct Side final : ServerEvents {
  Side(const Policy& p, const ServerLimits& limits) : policy(p), machine(*this, limits) {}

  void on_connect(const ConnectView& view) override {
    log.push_back("connect " + std::string(view.client_id));
    if (policy.connect) {
      policy.connect(*this, view);
    } else {
      machine.accept({}, out);
    }
  }
  ReasonCode on_publish(const PublishView& view) override {
    log.push_back("publish " + std::string(view.topic) + " q" + std::to_string(view.qos) + (view.retain ? "r" : "") +
                  (view.dup ? "d" : "") + " " + std::string(view.payload));
    return policy.publish ? policy.publish(*this, view) : ReasonCode::success;
  }
  ReasonCode on_subscribe(std::string_view filter, const SubscribeOptions& options) override {
    log.push_back("subscribe " + std::string(filter) + " q" + std::to_string(options.qos));
    return policy.subscribe ? policy.subscribe(*this, filter, options) : static_cast<ReasonCode>(options.qos);
  }
  void on_unsubscribe(std::string_view filter) override { log.push_back("unsubscribe " + std::string(filter)); }
  void on_subscribed() override {
    detail("subscribed");
    if (policy.subscribed) policy.subscribed(*this);
  }
  void on_inbound_held(std::uint16_t packet_id) override { detail("held " + std::to_string(packet_id)); }
  void on_inbound_released(std::uint16_t packet_id) override { detail("released " + std::to_string(packet_id)); }
  void on_sent(std::uint64_t tag, std::uint16_t packet_id, std::uint8_t qos) override {
    detail("sent " + std::to_string(tag) + " as " + std::to_string(packet_id) + " q" + std::to_string(qos));
    if (policy.sent) policy.sent(*this, tag);
  }
  void on_received(std::uint64_t tag) override { detail("received " + std::to_string(tag)); }
  void on_discarded(std::uint64_t tag) override { log.push_back("discarded " + std::to_string(tag)); }
  void on_delivered(std::uint64_t tag) override {
    log.push_back("delivered " + std::to_string(tag));
    if (policy.delivered) policy.delivered(*this, tag);
  }
  void on_refused(std::uint64_t tag, ReasonCode reason) override {
    log.push_back("refused " + std::to_string(tag) + " " + std::string(to_string(reason)));
  }
  void on_close(CloseCause cause, bool will) override {
    log.push_back("close " + std::string(to_string(cause)) + (will ? " will" : ""));
    if (policy.closed) policy.closed(*this);
  }

  void detail(std::string line) {
    if (policy.detailed) log.push_back(std::move(line));
  }

  Policy policy;
  std::vector<std::string> log;
  std::string out;
  ServerMachine machine;
};

class Conversation {
 public:
  explicit Conversation(Policy policy = {}, ServerLimits limits = {})
      : whole_(policy, limits), split_(policy, limits) {}

  /// Feeds both machines; returns what the server answered, as hex.
  std::string feed(std::string_view bytes) {
    whole_.machine.feed(bytes, whole_.out);
    for (const char c : bytes) {
      const std::string one(1, c);  // its own allocation: reading beyond it is an error that ASan sees
      split_.machine.feed(one, split_.out);
    }
    return take();
  }
  /// Connects with the sessions that `earlier` leaves behind; returns what was sent.
  std::string resume(Conversation& earlier, const std::string& connect_packet) {
    const auto hand_over = [&](Side& from, Side& to) {
      auto session = std::make_shared<std::unique_ptr<SessionState>>(from.machine.release_session());
      to.policy.connect = [session](Side& side, const ConnectView&) {
        side.machine.accept({.session_present = true, .session = std::move(*session)}, side.out);
      };
    };
    hand_over(earlier.whole_, whole_);
    hand_over(earlier.split_, split_);
    return feed(connect_packet);
  }
  /// Connects and forgets the CONNACK.
  void open(const std::string& connect_packet) {
    feed(connect_packet);
    REQUIRE(machine().state() == ServerMachine::State::connected);
    take_log();
  }
  template <class Action>
  std::string act(Action action) {
    action(whole_);
    action(split_);
    return take();
  }
  bool publish(const OutgoingPublish& message) {
    const bool taken = whole_.machine.publish(message, whole_.out);
    CHECK(split_.machine.publish(message, split_.out) == taken);
    return taken;
  }
  /// The same, with what became of it.
  SendResult deliver(const Delivery& delivery) {
    const SendResult result = whole_.machine.publish(delivery, whole_.out);
    CHECK(split_.machine.publish(delivery, split_.out) == result);
    return result;
  }
  void set_time(std::int64_t now_ms) {
    act([&](Side& side) { side.machine.set_time(now_ms); });
  }
  /// What was written since the last call, as hex.
  std::string take() {
    const std::string answer = to_hex(whole_.out);
    CHECK(to_hex(split_.out) == answer);
    CHECK(split_.log == whole_.log);
    CHECK(split_.machine.state() == whole_.machine.state());
    whole_.out.clear();
    split_.out.clear();
    return answer;
  }
  /// What was reported since the last call.
  std::vector<std::string> take_log() {
    split_.log.clear();
    return std::exchange(whole_.log, {});
  }
  /// The last report.
  std::string last() const { return whole_.log.empty() ? "" : whole_.log.back(); }
  ServerMachine& machine() { return whole_.machine; }
  bool is_closed() { return machine().state() == ServerMachine::State::closed; }

 private:
  Side whole_;
  Side split_;
};

using Log = std::vector<std::string>;

}  // namespace jl::wire::mqtt::testing

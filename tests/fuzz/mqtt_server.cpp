// Feeds arbitrary bytes to the MQTT server machine. The first two bytes choose the owner's behaviour and the sizes of
// the pieces, the rest is what the peer sends. One machine gets it whole, one in pieces: both must say the same.
#include "common/base/assert.hpp"
#include "daemon/wire/mqtt/server.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {
using namespace jl::wire::mqtt;

/// An owner whose decisions depend on what he is told and on nothing else.
class Owner final : public ServerEvents {
 public:
  Owner(std::uint8_t mode, const ServerLimits& limits) : machine_(*this, limits), limits_(limits), mode_(mode) {}

  void feed(std::string_view bytes) {
    const bool was_closed = closed_;
    const std::size_t before = out_.size();
    machine_.feed(bytes, out_);
    check();
    JL_ASSERT(!was_closed || out_.size() == before);
  }

  /// What comes after the input: a late decision, messages of our own, the end.
  void finish() {
    if (machine_.state() == ServerMachine::State::deciding) decide();
    check();
    for (std::uint64_t tag = 1; tag <= 4; ++tag) send("late/topic", static_cast<std::uint8_t>(tag % 3), tag);
    (void)machine_.granted_qos("late/topic");
    if ((mode_ & 0x40u) != 0) {
      machine_.close(CloseCause::server_shutdown, ReasonCode::server_shutting_down, out_);
    } else {
      machine_.connection_lost();
    }
    check();
    JL_ASSERT(closed_);
  }

  const std::string& out() const { return out_; }
  std::uint64_t story() const { return story_; }

  void on_connect(const ConnectView& view) override {
    tell(1, view.client_id);
    tell(1, view.username);
    tell(1, view.password);
    if (view.will != nullptr) tell(1, view.will->topic);
    if (view.user_properties != nullptr) {
      for (const auto& [name, value] : *view.user_properties) tell(1, name), tell(1, value);
    }
    if ((mode_ & 0x01u) == 0) decide();
    tell(1, view.client_id);
  }
  ReasonCode on_publish(const PublishView& view) override {
    JL_ASSERT(is_valid_topic_name(view.topic) && view.qos <= 2 && (view.qos == 0) == (view.packet_id == 0));
    tell(2, view.topic);
    tell(2, view.payload);
    act(view.payload);
    tell(2, view.topic);
    return static_cast<ReasonCode>((mode_ & 0x02u) != 0 ? story_ & 0xFFu : 0);
  }
  ReasonCode on_subscribe(std::string_view filter, const SubscribeOptions& options) override {
    JL_ASSERT(is_valid_topic_filter(filter) && options.qos <= 2);
    tell(3, filter);
    act(filter);
    return static_cast<ReasonCode>((mode_ & 0x04u) != 0 ? story_ & 0xFFu : options.qos);
  }
  void on_unsubscribe(std::string_view filter) override { tell(4, filter), act(filter); }
  void on_delivered(std::uint64_t tag) override {
    tell(5, {});
    send("again", static_cast<std::uint8_t>(tag % 3), tag + 1);
  }
  void on_close(CloseCause cause, bool will) override {
    JL_ASSERT(!closed_);
    JL_ASSERT(!will || machine_.will() != nullptr);
    closed_ = true;
    tell(static_cast<std::uint8_t>(10 + static_cast<int>(cause)), will ? "will" : "");
    machine_.close(CloseCause::administrative, ReasonCode::unspecified_error, out_);
    send("t", 0, 1);
  }

 private:
  // FNV-1a over everything that was reported: two machines told the same story or they did not.
  void tell(std::uint8_t kind, std::string_view text) {
    story_ = (story_ ^ kind) * 1099511628211u;
    for (const char c : text) story_ = (story_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  void decide() {
    if ((mode_ & 0x08u) != 0) return machine_.refuse(static_cast<ReasonCode>(story_ & 0xFFu), out_, "no");
    AcceptOptions options;
    options.session_present = (mode_ & 0x10u) != 0;
    options.assigned_client_id = (mode_ & 0x20u) != 0 ? "assigned" : "";
    machine_.accept(std::move(options), out_);
  }
  void send(std::string_view topic, std::uint8_t qos, std::uint64_t tag) {
    const bool sent = machine_.publish({.topic = topic, .payload = "payload", .qos = qos, .tag = tag}, out_);
    JL_ASSERT(!sent || !closed_);
  }
  void act(std::string_view text) {
    if (text.empty() || (mode_ & 0x80u) == 0) return;
    switch (static_cast<unsigned char>(text.front()) % 16) {
      case 0:
        return machine_.close(CloseCause::storage_failure, ReasonCode::unspecified_error, out_);
      case 1:
        return machine_.connection_lost();
      case 2:
        return send(text, 0, 0);
      case 3:
        return send("a/b", 1, story_);
      case 4:
        return send("a", 2, story_);
      default:
        return;
    }
  }
  void check() const {
    JL_ASSERT(closed_ == (machine_.state() == ServerMachine::State::closed));
    JL_ASSERT(machine_.held_bytes() <= limits_.max_packet + 64 * 1024);
    check_packets(out_);
  }
  // What we send must be whole packets of types that a server sends.
  static void check_packets(std::string_view out) {
    while (!out.empty()) {
      const unsigned type = static_cast<unsigned char>(out[0]) >> 4;
      JL_ASSERT(type != 0 && type != 1 && type != 8 && type != 10 && type != 12 && type != 15);
      std::size_t length = 0;
      std::size_t at = 1;
      for (unsigned shift = 0;; shift += 7) {
        JL_ASSERT(at < out.size() && shift <= 21);
        const auto next = static_cast<unsigned char>(out[at++]);
        length |= static_cast<std::size_t>(next & 0x7Fu) << shift;
        if (next < 0x80) break;
      }
      JL_ASSERT(out.size() - at >= length);
      out.remove_prefix(at + length);
    }
  }

  std::string out_;
  ServerMachine machine_;
  ServerLimits limits_;
  std::uint64_t story_ = 14695981039346656037u;
  std::uint8_t mode_;
  bool closed_ = false;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t mode = data[0];
  std::uint32_t pieces = data[1] + 1u;
  const std::string stream(data + 2, data + size);

  ServerLimits limits;
  limits.max_packet = (data[1] & 1u) != 0 ? 300 : 8192;
  limits.max_topic_bytes = 100;
  limits.max_subscriptions = 4;
  limits.max_inbound_qos2 = 3;
  limits.max_outbound_inflight = 2;
  limits.max_outbound_queued = 3;
  limits.max_properties = 4;
  limits.keep_alive_cap = 30;

  Owner whole(mode, limits);
  whole.feed(stream);
  Owner split(mode, limits);
  for (std::size_t at = 0; at < stream.size();) {
    pieces = pieces * 1664525u + 1013904223u;
    const std::size_t count = (data[1] & 2u) != 0 ? 1 : 1 + (pieces >> 24) % 64;
    const std::string piece = stream.substr(at, count);  // its own allocation: reading beyond it is seen
    split.feed(piece);
    at += piece.size();
  }
  whole.finish();
  split.finish();
  JL_ASSERT(whole.out() == split.out());
  JL_ASSERT(whole.story() == split.story());
  return 0;
}

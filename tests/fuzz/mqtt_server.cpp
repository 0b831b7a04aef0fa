// A client and the owner of its connections, both steered by the input: the client sends arbitrary bytes, comes back,
// leaves; the owner admits, refuses, resumes sessions, sends messages, lets time pass. Everything happens to two
// machines, one that gets its input whole and one that gets it in pieces: both must say and report the same.
#include "common/base/assert.hpp"
#include "daemon/wire/mqtt/server.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace {
using namespace jl::wire::mqtt;

ServerLimits limits_of(std::uint8_t choice) {
  ServerLimits limits;
  limits.max_packet = (choice & 1u) != 0 ? 300 : 8192;
  limits.max_topic_bytes = 100;
  limits.max_subscriptions = 4;
  limits.max_inbound_qos2 = 3;
  limits.max_outbound_inflight = 2;
  limits.max_outbound_queued = 3;
  limits.max_properties = 4;
  limits.keep_alive_cap = 30;
  return limits;
}

/// An owner whose decisions depend on the input and on what he is told, and on nothing else.
class Owner final : public ServerEvents {
 public:
  Owner(std::uint8_t mode, std::uint8_t choice) : limits_(limits_of(choice)), mode_(mode) { begin(); }
  ~Owner() { lose(); }
  Owner(Owner&&) = delete;

  void feed(std::string_view bytes) {
    const bool was_closed = closed_;
    const std::size_t before = out_.size();
    machine_->feed(bytes, out_);
    check();
    JL_ASSERT(!was_closed || out_.size() == before);
  }

  /// One step of the owner. Ends and begins connections, so it is not called from inside events.
  void step(std::uint8_t what) {
    switch (what % 8) {
      case 0:
        if (machine_->state() == ServerMachine::State::deciding) decide();
        break;
      case 1:
        lose();
        begin();
        break;
      case 2:
        machine_->close(CloseCause::administrative, static_cast<ReasonCode>(story_ & 0xFFu), out_, "other:1883");
        break;
      case 3:
        now_ += 1500;
        machine_->set_time(now_);
        break;
      default:
        deliver(what);
    }
    check();
  }

  void finish() {
    if (machine_->state() == ServerMachine::State::deciding) decide();
    for (std::uint8_t what = 4; what < 8; ++what) step(what);
    (void)machine_->granted_qos("late/topic");
    if ((mode_ & 0x40u) != 0) machine_->close(CloseCause::server_shutdown, ReasonCode::server_shutting_down, out_);
    lose();
    JL_ASSERT(closed_);
  }

  const std::string& out() const { return out_; }
  std::uint64_t story() const { return story_; }

  void on_connect(const ConnectView& view) override {
    tell(1, view.client_id);
    tell(1, view.username);
    tell(1, view.password);
    if (view.will != nullptr) tell(1, view.will->topic), tell(1, view.will->properties);
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
    tell(2, view.properties);
    last_ = std::make_shared<const Message>(Message{.topic = std::string(view.topic),
                                                    .payload = std::string(view.payload),
                                                    .properties = std::string(view.properties),
                                                    .expires_at = view.message_expiry ? now_ + 1000 : 0});
    act(view.payload);
    tell(2, view.topic);
    tell(2, view.properties);
    return static_cast<ReasonCode>((mode_ & 0x02u) != 0 ? story_ & 0xFFu : 0);
  }
  ReasonCode on_subscribe(std::string_view filter, const SubscribeOptions& options) override {
    JL_ASSERT(is_valid_topic_filter(filter) && options.qos <= 2 && options.retain_handling <= 2);
    JL_ASSERT(!filter.starts_with("$share/") || split_shared(filter));
    tell(3, filter);
    act(filter);
    return static_cast<ReasonCode>((mode_ & 0x04u) != 0 ? story_ & 0xFFu : options.qos);
  }
  void on_subscribed() override { act("\4"); }
  void on_unsubscribe(std::string_view filter) override { tell(4, filter), act(filter); }
  void on_inbound_held(std::uint16_t packet_id) override { tell_id(5, packet_id); }
  void on_inbound_released(std::uint16_t packet_id) override { tell_id(6, packet_id); }
  void on_sent(std::uint64_t tag, std::uint16_t packet_id, std::uint8_t qos) override {
    JL_ASSERT(tag != 0 && packet_id != 0 && (qos == 1 || qos == 2));
    tell_id(7, packet_id);
    act(std::string_view("\1\3\5\7").substr(tag % 4, 1));
  }
  void on_received(std::uint64_t tag) override { tell_id(8, tag); }
  void on_delivered(std::uint64_t tag) override {
    tell_id(9, tag);
    if ((mode_ & 0x80u) != 0) deliver(static_cast<std::uint8_t>(tag));
  }
  void on_discarded(std::uint64_t tag) override {
    tell_id(30, tag);
    act(std::string_view("\1\3\5\7").substr(tag % 4, 1));
  }
  void on_close(CloseCause cause, bool will) override {
    JL_ASSERT(!closed_);
    JL_ASSERT(!will || machine_->will() != nullptr);
    closed_ = true;
    tell(static_cast<std::uint8_t>(10 + static_cast<int>(cause)), will ? "will" : "");
    machine_->close(CloseCause::administrative, ReasonCode::unspecified_error, out_);
    // Taken from inside the event, while the machine may be in the middle of any packet.
    if (auto left = machine_->release_session()) session_ = std::move(left);
    JL_ASSERT(deliver(0) == SendResult::closed);
  }

 private:
  void begin() {
    closed_ = false;
    machine_ = std::make_unique<ServerMachine>(*this, limits_);
    machine_->set_time(now_);
  }
  void lose() {
    machine_->connection_lost();
    JL_ASSERT(closed_);
    check();
    tell_id(31, machine_->session_expiry());
    if (!session_) return;
    JL_ASSERT(session_->subscriptions.size() <= limits_.max_subscriptions);
    JL_ASSERT(session_->inbound_qos2.size() <= 2u * limits_.max_inbound_qos2);
    JL_ASSERT(session_->outbound.size() <= limits_.max_outbound_inflight);
    for (const OutboundExchange& each : session_->outbound) {
      JL_ASSERT(each.packet_id != 0);
      JL_ASSERT((each.delivery.message == nullptr) == (each.phase == OutboundExchange::Phase::await_pubcomp));
    }
    if ((mode_ & 0x80u) != 0) (void)session_->enqueue(make(static_cast<std::uint8_t>(story_)), 8);
  }

  // FNV-1a over everything that was reported: two machines told the same story or they did not.
  void tell(std::uint8_t kind, std::string_view text) {
    story_ = (story_ ^ kind) * 1099511628211u;
    for (const char c : text) story_ = (story_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  void tell_id(std::uint8_t kind, std::uint64_t id) {
    story_ = ((story_ ^ kind) * 1099511628211u ^ id) * 1099511628211u;
  }
  void decide() {
    if ((mode_ & 0x08u) != 0 && (story_ & 3u) == 0) {
      return machine_->refuse(static_cast<ReasonCode>(story_ & 0xFFu), out_, "no", "other:1883");
    }
    AcceptOptions options;
    options.session_present = (mode_ & 0x10u) != 0 && (session_ != nullptr || (story_ & 1u) != 0);
    if (options.session_present) options.session = std::move(session_);
    if ((mode_ & 0x20u) != 0) {
      options.assigned_client_id = "assigned";
      options.session_expiry = 77;
      options.response_information = "answers";
    }
    session_.reset();
    machine_->accept(std::move(options), out_);
  }
  Delivery make(std::uint8_t what) const {
    return {.message = last_,
            .qos = static_cast<std::uint8_t>(what % 3),
            .retain = (what & 0x10u) != 0,
            .tag = what,
            .subscription_ids = (what & 0x20u) != 0 ? std::string("\x0B\x05", 2) : std::string()};
  }
  SendResult deliver(std::uint8_t what) {
    const std::size_t before = out_.size();
    if ((what & 0x08u) != 0) {
      const bool taken = machine_->publish(
          {.topic = "a/b", .payload = "views", .qos = static_cast<std::uint8_t>(what % 4), .tag = what}, out_);
      JL_ASSERT(taken || out_.size() == before);
      return taken ? SendResult::sent : closed_ ? SendResult::closed : SendResult::queue_full;
    }
    const SendResult result = machine_->publish(make(what), out_);
    JL_ASSERT((out_.size() > before) == (result == SendResult::sent));
    return result;
  }
  void act(std::string_view text) {
    if (text.empty() || (mode_ & 0x80u) == 0 || depth_ > 3) return;
    ++depth_;
    switch (static_cast<unsigned char>(text.front()) % 16) {
      case 0:
        machine_->close(CloseCause::storage_failure, ReasonCode::unspecified_error, out_);
        break;
      case 1:
        machine_->connection_lost();
        break;
      case 2:
      case 3:
      case 4:
      case 5:
        deliver(static_cast<std::uint8_t>(story_));
        break;
      default:
        break;
    }
    --depth_;
  }
  void check() const {
    JL_ASSERT(closed_ == (machine_->state() == ServerMachine::State::closed));
    JL_ASSERT(machine_->held_bytes() <= limits_.max_packet + 64 * 1024);
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
  const ServerLimits limits_;
  MessagePtr last_ = std::make_shared<const Message>(Message{.topic = "late/long/topic", .payload = "payload"});
  std::unique_ptr<SessionState> session_;
  std::unique_ptr<ServerMachine> machine_;
  std::int64_t now_ = 1'700'000'000'000;
  std::uint64_t story_ = 14695981039346656037u;
  int depth_ = 0;
  const std::uint8_t mode_;
  bool closed_ = false;
};

/// Cuts the input: four bytes of 0xFF and one more are a step of the owner, all else comes from the client.
template <class Feed, class Step>
void play(std::string_view script, Feed feed, Step step) {
  constexpr std::string_view kMark = "\xFF\xFF\xFF\xFF";
  while (!script.empty()) {
    const std::size_t mark = script.find(kMark);
    if (mark != 0) feed(script.substr(0, mark));
    if (mark == std::string_view::npos) return;
    script.remove_prefix(mark + kMark.size());
    if (script.empty()) return;
    step(static_cast<std::uint8_t>(script.front()));
    script.remove_prefix(1);
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t mode = data[0];
  const std::uint8_t choice = data[1];
  std::uint32_t pieces = choice + 1u;
  const std::string script(data + 2, data + size);

  Owner whole(mode, choice);
  Owner split(mode, choice);
  play(
      script, [&](std::string_view bytes) { whole.feed(bytes); }, [&](std::uint8_t what) { whole.step(what); });
  play(
      script,
      [&](std::string_view bytes) {
        for (std::size_t at = 0; at < bytes.size();) {
          pieces = pieces * 1664525u + 1013904223u;
          const std::size_t count = (choice & 2u) != 0 ? 1 : 1 + (pieces >> 24) % 64;
          const std::string piece(bytes.substr(at, count));  // its own allocation: reading beyond it is seen
          split.feed(piece);
          at += piece.size();
        }
      },
      [&](std::uint8_t what) { split.step(what); });
  whole.finish();
  split.finish();
  JL_ASSERT(whole.out() == split.out());
  JL_ASSERT(whole.story() == split.story());
  return 0;
}

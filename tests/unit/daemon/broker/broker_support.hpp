#pragma once
// A broker on threads whose timers a test moves, with connections that keep what the broker gives them.
#include "daemon/broker/broker.hpp"
#include "daemon/broker/records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <fmt/format.h>
#include <deque>

namespace jl::broker::test {

using network::IoThread;
using network::test::run_on;
using wire::mqtt::CloseCause;
using wire::mqtt::Delivery;
using wire::mqtt::ReasonCode;
using wire::mqtt::SendResult;
using wire::mqtt::SessionState;
using wire::mqtt::SubscribeOptions;
using Phase = wire::mqtt::OutboundExchange::Phase;

/// A connection that does with its session what the protocol machine does. On its thread only.
class FakeConnection final : public network::MqttConnection {
 public:
  FakeConnection(std::shared_ptr<Broker> broker, IoThread& thread, std::uint32_t wish)
      : broker_(std::move(broker)), thread_(thread), expiry(wish) {}

  // ---- what the client does
  void subscribe(const std::string& filter, SubscribeOptions options) {
    auto* known = state->find_subscription(filter);
    broker_->subscribe(*client, filter, options, known == nullptr);
    if (known) {
      known->options = options;
    } else {
      state->subscriptions.push_back({filter, options});
    }
    broker_->subscribed(*client);
  }
  void unsubscribe(const std::string& filter) {
    if (!state->remove_subscription(filter)) return;
    broker_->unsubscribe(*client, filter);
    broker_->remember(*client);
  }
  /// Completes the oldest exchange, by PUBACK or PUBCOMP.
  void acknowledge() {
    const std::uint64_t tag = state->outbound.front().delivery.tag;
    state->outbound.erase(state->outbound.begin());
    if (tag != 0) broker_->finished(*client, tag);
    send_queued();
  }
  /// PUBREC for the oldest.
  void receive() {
    auto& oldest = state->outbound.front();
    const std::uint64_t tag = oldest.delivery.tag;
    state->mark_received(oldest);
    if (tag != 0) broker_->received(*client, tag);
  }
  void hold(std::uint16_t packet_id) {
    state->add_inbound(packet_id);
    broker_->inbound(*client, packet_id, true);
  }
  void release(std::uint16_t packet_id) {
    state->release_inbound(packet_id);
    broker_->inbound(*client, packet_id, false);
  }
  /// DISCONNECT, which discards the will.
  void leave() { close(CloseCause::client_disconnect, ReasonCode::success); }
  void vanish() { close(CloseCause::connection_lost, ReasonCode::success); }

  // ---- what the broker asks for
  void accept(wire::mqtt::AcceptOptions options) override {
    deciding = false;
    connected = true;
    present = options.session_present;
    if (options.session_expiry) expiry = *options.session_expiry;
    state = options.session ? std::move(options.session) : std::make_unique<SessionState>();
    send_queued();
  }
  void refuse(ReasonCode code, std::string_view, std::string_view) override { close(CloseCause::refused, code); }
  bool publish(const wire::mqtt::OutgoingPublish&) override { return false; }
  SendResult publish(Delivery delivery) override {
    if (!connected) return SendResult::closed;
    if (slow) {
      close(CloseCause::slow_consumer, ReasonCode::quota_exceeded);
      return SendResult::closed;
    }
    if (delivery.qos == 0) {
      got.push_back(std::move(delivery));
      return SendResult::sent;
    }
    if (!state->queue.empty() || state->outbound.size() >= window)
      return state->enqueue(std::move(delivery), queue_limit);
    send(std::move(delivery));
    return SendResult::sent;
  }
  void close(CloseCause why, ReasonCode code) override {
    if (closed) return;
    closed = true;
    deciding = connected = false;
    cause = why;
    reason = code;
    if (client)
      broker_->closed(*client, *this, why == CloseCause::client_disconnect ? nullptr : will_message, will_delay);
  }
  int granted_qos(std::string_view topic) const override { return state ? state->granted_qos(topic) : -1; }
  const wire::mqtt::Will* will() const override { return nullptr; }
  wire::mqtt::ProtocolVersion version() const override { return wire::mqtt::ProtocolVersion::v5; }
  bool is_deciding() const override { return deciding; }
  std::uint16_t keep_alive() const override { return 60; }
  void be_patient() override {}
  const SessionState* session() const override { return state.get(); }
  std::uint32_t session_expiry() const override { return expiry; }
  std::unique_ptr<SessionState> release_session() override { return std::move(state); }
  bool has_room() const override { return room; }
  void call_when_drained() override { wants_drained = true; }
  std::string peer() const override { return "192.0.2.1:1"; }
  IoThread& thread() const override { return thread_; }
  Millis last_activity() const override { return 0; }

 private:
  void send(Delivery delivery) {
    const std::uint16_t id = state->next_packet_id();
    state->outbound.push_back({delivery, id, delivery.qos == 1 ? Phase::await_puback : Phase::await_pubrec});
    got.push_back(delivery);
    if (delivery.tag != 0) broker_->sent(*client, delivery.tag, id, delivery.qos);
  }
  void send_queued() {
    while (connected && !state->queue.empty() && state->outbound.size() < window) send(state->queue.pop());
  }

  std::shared_ptr<Broker> broker_;
  IoThread& thread_;

 public:
  std::shared_ptr<Client> client;
  std::unique_ptr<SessionState> state;
  std::uint32_t expiry;
  bool deciding = true, connected = false, closed = false, present = false;
  std::string refused;
  CloseCause cause{};
  ReasonCode reason{};
  std::vector<Delivery> got;
  std::size_t window = 1000, queue_limit = 256;
  bool room = true, wants_drained = false, slow = false;
  wire::mqtt::MessagePtr will_message;
  std::uint32_t will_delay = 0;
};

using Connection = std::shared_ptr<FakeConnection>;

/// The commit of a thread's log, which a test may hold back. On its thread only.
class GatedCommit final : public network::TurnCommit {
 public:
  explicit GatedCommit(device::TurnLog& log) : log_(log) {}
  void commit(std::function<void(bool)> done) override {
    if (holds) {
      held_ = std::move(done);
    } else {
      log_.commit(std::move(done));
    }
  }
  void release() {
    holds = false;
    if (held_) log_.commit(std::exchange(held_, nullptr));
  }
  bool holds = false;

 private:
  device::TurnLog& log_;
  std::function<void(bool)> held_;
};

inline wire::mqtt::MessagePtr message(std::string topic, std::string payload, std::uint8_t qos = 1) {
  auto out = std::make_shared<wire::mqtt::Message>();
  out->topic = std::move(topic);
  out->payload = std::move(payload);
  out->qos = qos;
  return out;
}

class Bench {
 public:
  explicit Bench(std::size_t count = 2, BrokerOptions options = {})
      : threads(count, clock), options_(std::move(options)) {
    options_.network_id = "net";
    for (std::size_t i = 0; i < count; ++i) {
      logs.push_back(std::make_unique<device::TurnLog>(store, nullptr, threads.at(i)));
      commits.push_back(std::make_unique<GatedCommit>(*logs.back()));
      threads.at(i).set_commit(commits.back().get());
    }
    threads.start(true);
    open();
  }
  ~Bench() {
    for (const Connection& each : connections_) {
      run_on(each->thread(), [each] { each->close(CloseCause::server_shutdown, ReasonCode::server_shutting_down); });
    }
    quiet();
    broker->stop();
    threads.stop();
  }
  Bench(const Bench&) = delete;

  void open() {
    auto opened = Broker::open(options_, threads, logs, store, clock);
    REQUIRE(opened.has_value());
    broker = *opened;
    quiet();
  }
  /// The daemon is killed and comes back: connections and memory are gone.
  void crash() {
    quiet();
    for (const Connection& each : connections_) {
      run_on(each->thread(), [each] {
        each->client.reset();
        each->close(CloseCause::connection_lost, ReasonCode::success);
      });
    }
    connections_.clear();
    broker->stop();
    open();
  }
  void update(BrokerOptions options) {
    options.network_id = "net";
    options_ = options;
    broker->update(options_);
  }

  /// Until nothing that was posted, or waits for a commit, is left on any thread.
  void quiet() {
    for (int round = 0; round < 6; ++round) {
      for (std::size_t i = 0; i < threads.size(); ++i) network::test::settle(threads.at(i));
    }
  }
  void advance(Millis by) {
    clock.advance(by);
    threads.advance_timers();
    quiet();
  }

  /// Begins to connect; the answer may still be on its way.
  Connection dial(std::size_t thread, const Arrival& arrival) {
    auto out = std::make_shared<FakeConnection>(broker, threads.at(thread), arrival.session_expiry);
    connections_.push_back(out);
    run_on(threads.at(thread), [this, out, arrival] { dial_here(out, arrival); });
    return out;
  }
  void dial_here(const Connection& connection, const Arrival& arrival) {
    broker->connect(connection, arrival, [self = connection.get()](Admission admitted) {
      if (!admitted.client) {
        self->refused = admitted.why;
        return self->refuse(ReasonCode::quota_exceeded, {}, {});
      }
      self->client = std::move(admitted.client);
      wire::mqtt::AcceptOptions accepted;
      accepted.session_present = admitted.session_present;
      accepted.session = std::move(admitted.state);
      accepted.session_expiry = admitted.session_expiry;
      self->accept(std::move(accepted));
    });
  }
  Connection connect(std::size_t thread, const Arrival& arrival) {
    auto out = dial(thread, arrival);
    quiet();
    return out;
  }
  /// Runs something with a connection on its thread, and everything that follows from it.
  template <class Work>
  void with(const Connection& connection, Work work) {
    run_on(connection->thread(), [&] { work(*connection); });
    quiet();
  }
  void subscribe(const Connection& connection, const std::string& filter, SubscribeOptions options = {.qos = 1}) {
    with(connection, [&](FakeConnection& c) { c.subscribe(filter, options); });
  }
  ReasonCode publish(std::size_t thread, const wire::mqtt::MessagePtr& what, bool retain = false,
                     const Client* from = nullptr) {
    const auto reason = run_on(threads.at(thread), [&] {
      auto own = std::make_shared<StoredMessage>();
      static_cast<wire::mqtt::Message&>(*own) = *what;
      own->retain = retain;
      return broker->publish(own, from, threads.at(thread));
    });
    quiet();
    return reason;
  }
  ReasonCode publish(std::size_t thread, const std::string& topic, const std::string& payload, std::uint8_t qos = 1,
                     bool retain = false) {
    return publish(thread, message(topic, payload, qos), retain);
  }

  template <class Value>
  Value get(const Connection& connection, Value FakeConnection::*member) {
    return run_on(connection->thread(), [&] { return (*connection).*member; });
  }
  bool is_connected(const Connection& connection) { return get(connection, &FakeConnection::connected); }
  bool is_present(const Connection& connection) { return get(connection, &FakeConnection::present); }
  /// What it was given so far: "payload/qos", with "r" for the retain flag.
  std::string got(const Connection& connection) {
    return run_on(connection->thread(), [&] {
      std::string out;
      for (const Delivery& each : connection->got) {
        out +=
            fmt::format("{}{}/{}{}", out.empty() ? "" : " ", each.message->payload, each.qos, each.retain ? "r" : "");
      }
      return out;
    });
  }
  std::vector<ClientInfo> list(const std::string& only = {}) {
    auto promise = std::make_shared<std::promise<std::vector<ClientInfo>>>();
    auto future = promise->get_future();
    broker->list([promise](std::vector<ClientInfo> all) { promise->set_value(std::move(all)); }, only);
    REQUIRE(future.wait_for(network::test::kCeiling) == std::future_status::ready);
    return future.get();
  }
  bool kick(const std::string& id, bool forget) {
    auto promise = std::make_shared<std::promise<bool>>();
    auto future = promise->get_future();
    broker->kick(id, forget, [promise](bool was_there) { promise->set_value(was_there); });
    REQUIRE(future.wait_for(network::test::kCeiling) == std::future_status::ready);
    quiet();
    return future.get();
  }
  /// How many records of a kind the store has.
  std::size_t stored(records::Kind kind) { return count(records::prefix("net", kind)); }
  std::size_t stored() { return count(records::prefix("net")); }

  jl::test::ManualClock clock;
  jl::test::FakeStore store;
  network::IoThreads threads;
  std::vector<std::unique_ptr<device::TurnLog>> logs;
  std::vector<std::unique_ptr<GatedCommit>> commits;
  std::shared_ptr<Broker> broker;

 private:
  std::size_t count(const std::string& from) {
    std::size_t out = 0;
    CHECK(store.snapshot()
              ->scan(store::Family::sessions, from, store::prefix_end(from), false,
                     [&](std::string_view, std::string_view, store::Revision) { return ++out > 0; })
              .has_value());
    return out;
  }
  BrokerOptions options_;
  std::vector<Connection> connections_;
};

inline Arrival durable(std::string id, bool clean = false, std::uint32_t expiry = 3600) {
  return {std::move(id), {}, clean, expiry};
}
inline Arrival brief(std::string id) { return {std::move(id), {}, true, 0}; }

}  // namespace jl::broker::test

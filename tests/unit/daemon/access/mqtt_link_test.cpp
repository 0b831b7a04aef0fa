#include "daemon/access/mqtt_link.hpp"

#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <string>
#include <utility>
#include <vector>

namespace jl::access {
namespace {

/// A client whose CONNECT is answered when the test says so.
class FakeMqttConnection final : public network::MqttConnection {
 public:
  explicit FakeMqttConnection(network::IoThread& thread) : thread_(thread) {}
  void accept(wire::mqtt::AcceptOptions) override {}
  void refuse(wire::mqtt::ReasonCode, std::string_view, std::string_view) override {}
  bool publish(const wire::mqtt::OutgoingPublish& message) override {
    if (deciding || is_full) return false;
    published.push_back(std::string(message.topic) + " " + std::string(message.payload) + " " +
                        std::to_string(message.qos));
    return true;
  }
  wire::mqtt::SendResult publish(wire::mqtt::Delivery) override { return wire::mqtt::SendResult::closed; }
  void close(wire::mqtt::CloseCause, wire::mqtt::ReasonCode) override {}
  int granted_qos(std::string_view) const override { return granted; }
  const wire::mqtt::Will* will() const override { return nullptr; }
  wire::mqtt::ProtocolVersion version() const override { return {}; }
  bool is_deciding() const override { return deciding; }
  std::uint16_t keep_alive() const override { return 0; }
  void be_patient() override {}
  const wire::mqtt::SessionState* session() const override { return nullptr; }
  std::uint32_t session_expiry() const override { return 0; }
  std::unique_ptr<wire::mqtt::SessionState> release_session() override { return nullptr; }
  bool has_room() const override { return true; }
  void call_when_drained() override {}
  std::string peer() const override { return "192.0.2.7:50312"; }
  network::IoThread& thread() const override { return thread_; }
  Millis last_activity() const override { return 0; }

  bool deciding = true, is_full = false;
  int granted = -1;
  std::vector<std::string> published;

 private:
  network::IoThread& thread_;
};

struct Line {
  test::ManualClock clock;
  network::IoThreads threads{1, clock};
  std::shared_ptr<FakeMqttConnection> connection = std::make_shared<FakeMqttConnection>(threads.at(0));
  MqttLink link{*connection};
  [[nodiscard]] bool send(std::string payload) { return link.send({"t", std::move(payload), 1, true}).has_value(); }
};
using Said = std::vector<std::string>;

}  // namespace

TEST_SUITE("access.mqtt_link") {
  TEST_CASE("what is sent before CONNECT is answered is held, and leaves in its order with the answer") {
    Line l;
    CHECK(l.send("a"));
    CHECK(l.send("b"));
    CHECK(l.connection->published.empty());
    l.connection->deciding = false;
    l.connection->granted = 0;  // what a session that comes back had subscribed with counts
    l.link.welcomed();
    CHECK(l.connection->published == Said{"t a 0", "t b 0"});
    CHECK(l.send("c"));
    l.link.welcomed();
    CHECK(l.connection->published == Said{"t a 0", "t b 0", "t c 0"});
  }

  TEST_CASE("no more than sixteen are held") {
    Line l;
    for (int i = 0; i < 16; ++i) CHECK(l.send("x"));
    const Status refused = l.link.send({"t", "x", 1, true});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::system_busy);
    l.connection->deciding = false;
    l.link.welcomed();
    CHECK(l.connection->published.size() == 16);
  }

  TEST_CASE("a client that takes no more is busy, one that is gone has lost its connection") {
    Line l;
    CHECK(l.send("held"));
    l.connection->deciding = false;
    l.connection->is_full = true;
    CHECK(l.link.send({"t", "x", 1, true}).error().code == Errc::system_busy);
    l.link.welcomed();
    l.connection.reset();
    CHECK(l.link.send({"t", "x", 1, true}).error().code == Errc::connection_lost);
    l.link.welcomed();
  }
}

}  // namespace jl::access

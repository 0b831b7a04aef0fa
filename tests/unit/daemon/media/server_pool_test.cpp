// Which media server takes a stream, and how each does (operations.md 3.1, 3.2, 3.8).
#include "daemon/media/server_pool.hpp"

#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <doctest/doctest.h>
#include <map>
#include <random>

namespace jl::media {
namespace {

using jl::test::ManualClock;

/// A server that answers what the test says, or not before it says so.
class SaidApi final : public ServerApi {
 public:
  void check(std::function<void(Checkup)> done) override {
    ++asked;
    if (holds) {
      waiting.push_back(std::move(done));
    } else {
      done(next);
    }
  }
  void open_rtp(const RtpRequest&, Done<std::uint16_t>) override {}
  void close_rtp(const std::string&, Finished) override {}
  void list_rtp(Done<std::vector<std::string>>) override {}
  void change_ssrc(const std::string&, std::uint32_t, Finished) override {}
  void add_proxy(const std::string&, const std::string&, const std::string&, Done<std::string>) override {}
  void remove_proxy(const std::string&, Finished) override {}
  void find(const std::string&, const std::string&, Done<std::optional<Stream>>) override {}
  void list(Done<std::vector<Stream>>) override {}
  void close(const std::string&, const std::string&, Finished) override {}
  void snapshot(const std::string&, const std::string&, Done<std::string>) override {}
  void install_hooks(const std::string&, Finished) override {}

  Checkup next{Health::ok, {}, "id", "v", {80, 443, 554, 1935, 0, 0}, 0.1};
  bool holds = false;
  int asked = 0;
  std::vector<std::function<void(Checkup)>> waiting;
};

/// A pool on a thread whose timers the test moves. What the servers say changes only between two settle().
struct PoolHouse {
  PoolHouse() {
    threads.start(true);
    pool = std::make_shared<ServerPool>(
        threads.at(0), [this](std::uint64_t bound) { return random(bound); },
        [this](const ServerConfig& config) {
          made.push_back(config.id);
          auto& api = apis[config.id];
          if (!api) api = std::make_shared<SaidApi>();
          return api;
        });
  }
  ~PoolHouse() {
    pool->stop();
    threads.stop();
  }
  static ServerConfig server(const std::string& id, bool enabled = true) {
    ServerConfig out;
    out.id = id;
    out.enabled = enabled;
    out.address.base_url = "http://" + id + ":80";
    return out;
  }
  SaidApi& says(const std::string& id, Health health, const std::string& reason = {}) {
    auto& api = apis[id];
    if (!api) api = std::make_shared<SaidApi>();
    api->next.health = health;
    api->next.reason = reason;
    return *api;
  }
  void set(std::vector<ServerConfig> servers) {
    pool->set(std::move(servers));
    settle();
  }
  void settle() {
    network::test::settle(threads.at(0));
    network::test::settle(threads.at(0));
  }
  void pass(Millis time) {
    clock.advance(time);
    threads.advance_timers();
    settle();
  }
  [[nodiscard]] Health health(const std::string& id) const { return pool->state(id)->checkup.health; }

  ManualClock clock;
  network::IoThreads threads{1, clock};
  std::function<std::uint64_t(std::uint64_t)> random = [](std::uint64_t) { return 0; };
  std::map<std::string, std::shared_ptr<SaidApi>> apis;
  std::vector<std::string> made;
  std::shared_ptr<ServerPool> pool;
};

constexpr Millis kRound = ServerPool::kInterval + network::TimerWheel::kResolution;

}  // namespace

TEST_CASE(
    "1,000 choices over three healthy servers spread evenly; disabled and sick ones get none (operations.md 3.8)") {
  PoolHouse house;
  std::mt19937_64 engine(20'261'124);
  house.random = [&](std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(engine);
  };
  house.says("sick", Health::unreachable, "connection refused");
  house.says("locked", Health::auth_failed, "wrong secret");
  house.says("slow", Health::degraded, "busy");
  using H = PoolHouse;
  house.set({H::server("a"), H::server("b"), H::server("c"), H::server("off", false), H::server("sick"),
             H::server("locked"), H::server("slow")});
  std::map<std::string, int> taken;
  for (int i = 0; i < 1000; ++i) {
    const auto chosen = house.pool->choose();
    REQUIRE(chosen.has_value());
    ++taken[*chosen];
  }
  REQUIRE(taken.size() == 3);
  double chi_square = 0;
  for (const char* id : {"a", "b", "c"}) {
    const double expected = 1000.0 / 3, difference = taken[id] - expected;
    chi_square += difference * difference / expected;
  }
  // Two degrees of freedom: 13.82 is passed by one even draw in 1,000.
  CHECK(chi_square < 13.82);
}

TEST_CASE("the next server is chosen among those that were not tried; degraded ones are the last resort") {
  PoolHouse house;
  house.says("slow", Health::degraded, "busy");
  house.says("gone", Health::unreachable, "connection refused");
  house.set({PoolHouse::server("a"), PoolHouse::server("gone"), PoolHouse::server("slow")});
  CHECK(house.pool->choose().value() == "a");
  CHECK(house.pool->choose({"a"}).value() == "slow");
  const auto none = house.pool->choose({"a", "slow"});
  REQUIRE(!none.has_value());
  CHECK(none.error().code == Errc::unavailable);
  CHECK(none.error().message ==
        "no media server can take the stream: \"a\" failed, \"gone\" cannot be reached, \"slow\" failed");
}

TEST_CASE("without a server, or without one that is enabled, the error says which of both it is") {
  PoolHouse house;
  CHECK(house.pool->choose().error().message == "there is no media server");
  house.set({PoolHouse::server("off", false)});
  CHECK(house.pool->choose().error().message == "no media server is enabled");
  CHECK(house.pool->choose().error().hint == "jlctl media server enable ID");
  CHECK(house.pool->can_use("off").error().code == Errc::disabled);
  CHECK(house.pool->can_use("nobody").error().code == Errc::not_found);
  CHECK(!house.pool->state("off").has_value());
  CHECK(house.pool->api("off") == nullptr);
}

TEST_CASE("every server is asked at once and every ten seconds, never twice at the same time (operations.md 3.2)") {
  PoolHouse house;
  auto& api = house.says("a", Health::ok);
  house.set({PoolHouse::server("a")});
  CHECK(api.asked == 1);
  house.pass(ServerPool::kInterval - network::TimerWheel::kResolution);
  CHECK(api.asked == 1);
  house.pass(2 * network::TimerWheel::kResolution);
  CHECK(api.asked == 2);
  api.holds = true;
  house.pass(kRound);
  CHECK(api.asked == 3);
  house.pass(10 * kRound);
  CHECK(api.asked == 3);
  const auto answers = std::exchange(api.waiting, {});
  api.holds = false;
  REQUIRE(answers.size() == 1);
  answers[0](api.next);
  house.settle();
  house.pass(kRound);
  CHECK(api.asked == 4);
}

TEST_CASE("a server that was well is down after three misses in a row, and up after one answer (operations.md 3.2)") {
  PoolHouse house;
  auto& api = house.says("a", Health::ok);
  house.set({PoolHouse::server("a")});
  CHECK(house.health("a") == Health::ok);
  const Millis up_since = house.pool->state("a")->since;
  house.says("a", Health::unreachable, "connection refused");
  house.pass(kRound);
  house.pass(kRound);
  CHECK(house.health("a") == Health::ok);
  CHECK(house.pool->state("a")->misses == 2);
  CHECK(house.pool->state("a")->since == up_since);
  CHECK(house.pool->choose().has_value());
  SUBCASE("the third counts") {
    house.pass(kRound);
    CHECK(house.health("a") == Health::unreachable);
    CHECK(house.pool->state("a")->checkup.reason == "connection refused");
    CHECK(house.pool->state("a")->since > up_since);
    CHECK(house.pool->can_use("a").error().code == Errc::unavailable);
    house.says("a", Health::ok);
    api.next.reason.clear();
    house.pass(kRound);
    CHECK(house.health("a") == Health::ok);
    CHECK(house.pool->can_use("a").has_value());
  }
  SUBCASE("a sign of life in between begins anew") {
    house.pool->heard("a");
    house.pass(kRound);
    house.pass(kRound);
    CHECK(house.health("a") == Health::ok);
    house.pass(kRound);
    CHECK(house.health("a") == Health::unreachable);
  }
}

TEST_CASE("a refused secret or address counts at once, and so does the first miss of a new server") {
  PoolHouse house;
  house.set({PoolHouse::server("a"), PoolHouse::server("b")});
  house.says("a", Health::auth_failed, "wrong secret");
  house.says("b", Health::ip_not_allowed, "not allowed");
  house.says("c", Health::unreachable, "connection refused");
  house.set({PoolHouse::server("a"), PoolHouse::server("b"), PoolHouse::server("c")});
  house.pass(kRound);
  CHECK(house.health("a") == Health::auth_failed);
  CHECK(house.health("b") == Health::ip_not_allowed);
  CHECK(house.health("c") == Health::unreachable);
}

TEST_CASE("a server that stays as it is keeps what is known of it; one that changes is asked anew") {
  PoolHouse house;
  auto& api = house.says("a", Health::ok);
  house.set({PoolHouse::server("a")});
  house.set({PoolHouse::server("a"), PoolHouse::server("b")});
  CHECK(api.asked == 1);
  auto moved = PoolHouse::server("a");
  moved.address.base_url = "http://elsewhere:80";
  moved.ports.rtsp = 8554;
  house.set({moved});
  CHECK(api.asked == 2);
  CHECK(house.made == std::vector<std::string>{"a", "b", "a"});
  CHECK(house.pool->state("a")->checkup.ports.rtsp == 8554);  // as given
  CHECK(house.pool->state("a")->checkup.ports.rtmp == 1935);  // as it says
  house.set({});
  CHECK(!house.pool->state("a").has_value());
  house.pass(kRound);
  CHECK(api.asked == 2);
}

TEST_CASE("an answer that comes after its server has left changes nothing") {
  PoolHouse house;
  auto& api = house.says("a", Health::ok);
  api.holds = true;
  house.set({PoolHouse::server("a")});
  house.set({});
  REQUIRE(api.waiting.size() == 1);
  std::exchange(api.waiting, {})[0](api.next);
  house.settle();
  CHECK(!house.pool->state("a").has_value());
  house.pool->stop();
  house.pool->set({PoolHouse::server("a")});
  house.settle();
  CHECK(api.asked == 1);
}

}  // namespace jl::media

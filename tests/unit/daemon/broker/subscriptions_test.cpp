#include "daemon/broker/subscriptions.hpp"

#include "daemon/broker/client.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <fmt/format.h>

namespace jl::broker {
namespace {

using network::test::run_on;

struct Field {
  explicit Field(std::size_t count) : threads(count, clock) {
    subscriptions = std::make_shared<Subscriptions>(threads);
    threads.start(true);
  }
  ~Field() { threads.stop(); }
  void add(const std::string& filter, const std::shared_ptr<Client>& who) {
    subscriptions->add(filter, {who, 0, 0, false, false});
  }
  std::size_t count(std::size_t thread, std::string_view topic) {
    return run_on(threads.at(thread), [&] {
      std::vector<const Subscriber*> found;
      (void)subscriptions->tree(threads.at(thread)).match(topic, found);
      return found.size();
    });
  }
  test::ManualClock clock;
  network::IoThreads threads;
  std::shared_ptr<Subscriptions> subscriptions;
  std::shared_ptr<Client> client = std::make_shared<Client>("c", threads.at(0));
};

TEST_CASE("a subscription is seen on every thread as soon as it was made, and its end as well") {
  Field f(3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(f.count(i, "t") == 0);
  f.add("t", f.client);
  for (std::size_t i = 0; i < 3; ++i) CHECK(f.count(i, "t") == 1);
  f.add("+", f.client);
  CHECK(f.count(2, "t") == 2);
  f.subscriptions->remove("t", f.client);
  for (std::size_t i = 0; i < 3; ++i) CHECK(f.count(i, "t") == 1);
}

TEST_CASE("a shared subscription is one of its group, under the filter inside") {
  Field f(2);
  const auto other = std::make_shared<Client>("d", f.threads.at(1));
  f.add("$share/g/t/+", f.client);
  f.add("$share/g/t/+", other);
  CHECK(f.count(1, "t/1") == 1);
  f.subscriptions->remove("$share/g/t/+", f.client);
  f.subscriptions->remove("t/+", other);
  CHECK(f.count(1, "t/1") == 1);
  f.subscriptions->remove("$share/g/t/+", other);
  CHECK(f.count(1, "t/1") == 0);
}

TEST_CASE("threads that look nothing up do not keep changes, nor who has left, for ever") {
  Field f(3);
  std::weak_ptr<Client> weak = f.client;
  for (int i = 0; i < 2048; ++i) {
    f.add(fmt::format("t/{}", i), f.client);
    f.subscriptions->remove(fmt::format("t/{}", i), f.client);
  }
  f.client.reset();
  for (std::size_t i = 0; i < 3; ++i) network::test::settle(f.threads.at(i));
  CHECK(weak.expired());
}

TEST_CASE("threads that subscribe and look up at the same time lose nothing") {
  Field f(3);
  constexpr int kEach = 2000;
  std::vector<std::shared_ptr<Client>> clients;
  std::vector<std::future<void>> done;
  for (std::size_t i = 0; i < 3; ++i) {
    clients.push_back(std::make_shared<Client>(fmt::format("c{}", i), f.threads.at(i)));
    auto promise = std::make_shared<std::promise<void>>();
    done.push_back(promise->get_future());
    f.threads.at(i).post([&f, i, client = clients.back(), promise] {
      std::vector<const Subscriber*> found;
      for (int n = 0; n < kEach; ++n) {
        f.add(fmt::format("t/{}", n), client);
        found.clear();
        (void)f.subscriptions->tree(f.threads.at(i)).match(fmt::format("t/{}", n), found);
        bool own = false;
        for (const Subscriber* each : found) own |= each->client == client;
        if (!own) return;  // breaks the promise
        if (n % 2 == 1) f.subscriptions->remove(fmt::format("t/{}", n), client);
      }
      promise->set_value();
    });
  }
  for (auto& each : done) {
    REQUIRE(each.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    CHECK_NOTHROW(each.get());
  }
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(f.count(i, "t/0") == 3);
    CHECK(f.count(i, "t/1") == 0);
    CHECK(f.count(i, fmt::format("t/{}", kEach - 2)) == 3);
  }
}

}  // namespace
}  // namespace jl::broker

#include "daemon/services/mutator.hpp"

#include "tests/support/fake_store.hpp"

#include <doctest/doctest.h>
#include <future>

namespace jl::services {
namespace {
store::Transaction put(const std::string& id) {
  store::Transaction out;
  out.put(store::Family::resources, store::key({"device", id}), "{}");
  return out;
}
}  // namespace

TEST_SUITE("services.mutator") {
  TEST_CASE("changes that waited together share one sync, and none is answered before it [architecture 3]") {
    test::FakeStore store;
    Mutator mutator(store);
    std::promise<void> entered, go_on;
    REQUIRE(mutator.submit([&]() -> Mutator::Answer {
      entered.set_value();
      go_on.get_future().wait();
      return {};
    }));
    entered.get_future().wait();
    std::vector<std::size_t> syncs_at_answer;
    std::promise<void> all;
    for (int i = 0; i < 10; ++i) {
      REQUIRE(mutator.submit([&, i]() -> Mutator::Answer {
        REQUIRE(store.commit(put("d" + std::to_string(i))).has_value());
        return [&](const Status& synced) {
          CHECK(synced.has_value());
          syncs_at_answer.push_back(static_cast<std::size_t>(store.syncs()));
          if (syncs_at_answer.size() == 10) all.set_value();
        };
      }));
    }
    const auto before = static_cast<std::size_t>(store.syncs());
    go_on.set_value();
    all.get_future().wait();
    CHECK(syncs_at_answer == std::vector<std::size_t>(10, before + 1));
  }

  TEST_CASE("what is queued is finished when it stops, and nothing is taken after that") {
    test::FakeStore store;
    Mutator mutator(store);
    std::atomic<int> ran{0};
    for (int i = 0; i < 20; ++i) {
      REQUIRE(mutator.submit([&]() -> Mutator::Answer {
        ++ran;
        return {};
      }));
    }
    mutator.stop();
    CHECK(ran == 20);
    CHECK_FALSE(mutator.submit([]() -> Mutator::Answer { return {}; }));
  }

  TEST_CASE("a change that throws takes no other down with it") {
    test::FakeStore store;
    Mutator mutator(store);
    std::promise<void> done;
    REQUIRE(mutator.submit([]() -> Mutator::Answer { throw std::runtime_error("a bug"); }));
    REQUIRE(mutator.submit([&]() -> Mutator::Answer { return [&](const Status&) { done.set_value(); }; }));
    CHECK(done.get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  }
}

}  // namespace jl::services

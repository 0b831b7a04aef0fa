// How many bytes may leave in a time.
#include "daemon/network/byte_budget.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace jl::network {
namespace {

TEST_SUITE("network.byte_budget") {
  TEST_CASE("a quarter of a second is there from the start, then it fills at its rate") {
    ByteBudget budget(1000, 5000);
    CHECK(budget.take(10'000, 5000) == 250);
    CHECK(budget.take(10'000, 5000) == 0);
    CHECK(budget.take(10'000, 5001) == 1);
    CHECK(budget.take(10, 5500) == 10);
    CHECK(budget.take(10'000, 5500) == 489);
    CHECK(budget.take(10'000, 4000) == 0);  // another thread's clock is behind
  }

  TEST_CASE("it holds one second at most") {
    ByteBudget budget(1000, 0);
    CHECK(budget.take(1, 0) == 1);
    CHECK(budget.take(1'000'000, 3'600'000) == 1000);
    CHECK(budget.take(1'000'000, 3'600'000) == 0);
    CHECK(budget.take(1'000'000, 3'600'100) == 100);
  }

  TEST_CASE("what did not leave can be given back") {
    ByteBudget budget(1000, 0);
    CHECK(budget.take(250, 0) == 250);
    budget.give_back(100);
    CHECK(budget.take(250, 0) == 100);
  }

  TEST_CASE("it is divided among those who draw from it") {
    ByteBudget budget(1'000'000, 0);
    for (int i = 0; i < 4; ++i) budget.join();
    CHECK(budget.take(1'000'000, 1000) == 250'000);
    CHECK(budget.take(1'000'000, 1000) == 187'500);
    budget.leave(), budget.leave(), budget.leave();
    CHECK(budget.take(1'000'000, 1000) == 562'500);
    ByteBudget small(1000, 0);
    for (int i = 0; i < 4; ++i) small.join();
    CHECK(small.take(1000, 0) == 250);  // not in crumbs
  }

  TEST_CASE("everybody gets something of it, and together what it gives") {
    ByteBudget budget(100'000, 0);
    std::vector<std::uint64_t> got(10);
    for (std::size_t i = 0; i < got.size(); ++i) budget.join();
    for (Millis now = 250; now <= 60'000; now += 250) {
      for (std::uint64_t& each : got) each += budget.take(1'000'000, now);
    }
    std::uint64_t sum = 0;
    for (const std::uint64_t each : got) sum += each;
    CHECK(sum <= 6'025'000);
    CHECK(sum >= 5'900'000);
    CHECK(*std::min_element(got.begin(), got.end()) >= 200'000);
  }

  TEST_CASE("any rate is one: none is 1 byte a second, and the fastest does not overflow") {
    ByteBudget slow(0, 0);
    CHECK(slow.rate() == 1);
    CHECK(slow.take(100, 5000) == 1);
    ByteBudget fast(UINT64_MAX, 0);
    CHECK(fast.rate() == ByteBudget::kMaxRate);
    std::uint64_t sum = 0;
    for (Millis now = 0; now < 4'000'000'000'000; now += 250'000'000'000) sum += fast.take(1000, now);
    CHECK(sum == 16'000);
  }

  TEST_CASE("threads that draw at once never get more than there is") {
    ByteBudget budget(1'000'000, 0);
    std::atomic<std::uint64_t> sum{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 2000; ++n) {
          const std::uint64_t got = budget.take(1000, 1000);
          if (got > 500) budget.give_back(got - 500);
          sum += std::min<std::uint64_t>(got, 500);
        }
      });
    }
    for (std::thread& each : threads) each.join();
    CHECK(sum == 1'000'000);
  }
}

}  // namespace
}  // namespace jl::network

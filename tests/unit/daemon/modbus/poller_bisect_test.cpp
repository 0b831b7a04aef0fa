#include "daemon/modbus/poller_bisect.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <set>

namespace jl::modbus {
namespace {

using Addresses = std::vector<std::uint16_t>;
using Part = Bisection::Part;
using Verdict = Bisection::Verdict;

/// Bisects as a server that refuses some addresses has it; how many requests that took.
std::size_t settle(Bisection& bisection, const Addresses& points, const std::set<std::uint16_t>& illegal) {
  const auto first = bisection.first();
  std::deque<Part> asked(first.begin(), first.end());
  std::size_t requests = 0;
  while (!asked.empty()) {
    const Part part = asked.front();
    asked.pop_front();
    ++requests;
    REQUIRE(part.size() > 0);
    const auto bad = illegal.lower_bound(points[part.begin]);
    const bool refused = bad != illegal.end() && *bad <= points[part.end - 1];
    for (const Part& next : bisection.answer(part, refused ? Verdict::refused : Verdict::fine)) asked.push_back(next);
  }
  CHECK(bisection.is_done());
  return requests;
}

}  // namespace

TEST_SUITE("modbus.poller_bisect") {
  TEST_CASE("one refused point is found, and leaves no cut") {
    Addresses points;
    for (std::uint16_t i = 0; i < 120; ++i) points.push_back(i);
    for (const std::uint16_t bad : Addresses{0, 1, 59, 60, 61, 119}) {
      CAPTURE(bad);
      Bisection bisection(points);
      CHECK(settle(bisection, points, {bad}) <= 14);
      CHECK(bisection.refused() == std::vector<std::size_t>{bad});
      CHECK(bisection.cuts().empty());
    }
  }

  TEST_CASE("a refused gap between points leaves a cut there") {
    const Addresses points{10, 11, 12, 20, 21, 22, 23};
    Bisection bisection(points);
    settle(bisection, points, {15});
    CHECK(bisection.refused().empty());
    CHECK(bisection.cuts() == Addresses{20});
  }

  TEST_CASE("points of one address are never cut apart") {
    const Addresses points{5, 5, 5, 5};
    Bisection bisection(points);
    CHECK(bisection.first() == std::vector<Part>{{0, 2}, {2, 4}});
    const auto more = bisection.answer({0, 2}, Verdict::refused);
    CHECK(more == std::vector<Part>{{0, 1}, {1, 2}});
    CHECK(bisection.answer({2, 4}, Verdict::fine).empty());
    CHECK(bisection.answer({0, 1}, Verdict::fine).empty());
    CHECK(!bisection.is_done());
    CHECK(bisection.answer({1, 2}, Verdict::fine).empty());
    CHECK(bisection.is_done());
    CHECK(bisection.cuts().empty());
    CHECK(bisection.refused().empty());
  }

  TEST_CASE("halves begin where an address does") {
    CHECK(Bisection({1, 2, 2, 2, 2, 2}).first() == std::vector<Part>{{0, 1}, {1, 6}});
    CHECK(Bisection({1, 1, 1, 1, 1, 2}).first() == std::vector<Part>{{0, 5}, {5, 6}});
    CHECK(Bisection({1, 1, 1, 2, 2, 3}).first() == std::vector<Part>{{0, 3}, {3, 6}});
  }

  TEST_CASE("parts without a verdict decide nothing") {
    Bisection bisection({1, 2, 3, 4});
    CHECK(bisection.answer({0, 2}, Verdict::unknown).empty());
    CHECK(bisection.answer({2, 4}, Verdict::fine).empty());
    CHECK(bisection.is_done());
    CHECK(bisection.cuts().empty());
    CHECK(bisection.refused().empty());
  }

  TEST_CASE("whatever is illegal, refused points are exactly the illegal ones and cuts are at illegal gaps") {
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      std::set<std::uint16_t> places, illegal;
      while (places.size() < 2 + random() % 60) places.insert(static_cast<std::uint16_t>(random() % 200));
      for (auto n = random() % 8; n > 0; --n) illegal.insert(static_cast<std::uint16_t>(random() % 200));
      const Addresses points(places.begin(), places.end());
      Bisection bisection(points);
      CHECK(settle(bisection, points, illegal) <= 2 * points.size());
      for (std::size_t i = 0; i < points.size(); ++i) {
        const auto bad = bisection.refused();
        // A server without illegal addresses in the block would not have refused it; all is fine then.
        CHECK(std::count(bad.begin(), bad.end(), i) == (illegal.contains(points[i]) ? 1 : 0));
      }
      if (illegal.empty()) continue;
      for (const std::uint16_t cut : bisection.cuts()) {
        const auto after = std::find(points.begin(), points.end(), cut);
        REQUIRE(after != points.end());
        REQUIRE(after != points.begin());
        const auto bad = illegal.upper_bound(*std::prev(after));
        const bool is_whole_block_fine = illegal.lower_bound(points.front()) == illegal.end() ||
                                         *illegal.lower_bound(points.front()) > points.back();
        CHECK((is_whole_block_fine || (bad != illegal.end() && *bad < cut)));
      }
    }
  }
}

}  // namespace jl::modbus

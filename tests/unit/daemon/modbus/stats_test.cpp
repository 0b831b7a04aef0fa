#include "daemon/modbus/stats.hpp"

#include <doctest/doctest.h>

namespace jl::modbus {

TEST_SUITE("modbus.stats") {
  TEST_CASE("percentiles of round trips are right within a factor of two") {
    RttHistogram rtt;
    CHECK(rtt.percentile(0.5) == 0);
    for (int i = 0; i < 99; ++i) rtt.add(3);
    rtt.add(900);
    CHECK(rtt.percentile(0.5) == 4);
    CHECK(rtt.percentile(0.98) == 4);
    CHECK(rtt.percentile(1.0) == 1024);
    CHECK(rtt.count() == 100);
    CHECK(rtt.last() == 900);
  }

  TEST_CASE("times at the ends of the scale are counted in the last bucket that there is") {
    RttHistogram rtt;
    rtt.add(0);
    CHECK(rtt.percentile(1.0) == 1);
    rtt.add(10'000'000);
    CHECK(rtt.percentile(1.0) == 131'072);
  }
}

}  // namespace jl::modbus

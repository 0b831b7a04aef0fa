#include "daemon/access/sessions.hpp"

#include <doctest/doctest.h>
#include <thread>

namespace jl::access {
namespace {
std::shared_ptr<Session> session_of(const std::string& device) {
  auto out = std::make_shared<Session>();
  out->device_id = device;
  return out;
}
}  // namespace

TEST_SUITE("access.sessions") {
  TEST_CASE("a second session of a device replaces the first, whose end then changes nothing [access 5.2]") {
    Sessions sessions;
    const auto first = session_of("d1"), second = session_of("d1");
    CHECK(sessions.put(first) == nullptr);
    CHECK(sessions.put(second) == first);
    CHECK(sessions.size() == 1);
    CHECK_FALSE(sessions.remove(*first));
    CHECK(sessions.find("d1") == second);
    CHECK(sessions.remove(*second));
    CHECK(sessions.find("d1") == nullptr);
    CHECK(sessions.size() == 0);
  }

  TEST_CASE("threads that come and go with their own devices leave nothing behind") {
    Sessions sessions;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 500; ++i) {
          const auto session = session_of("d" + std::to_string(t) + "-" + std::to_string(i % 50));
          sessions.put(session);
          (void)sessions.count([](const Session&) { return true; });
          sessions.remove(*session);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(sessions.size() == 0);
    CHECK(sessions.count([](const Session&) { return true; }) == 0);
  }
}

}  // namespace jl::access

#include "daemon/access/password_check.hpp"

#include "daemon/device/password_hash.hpp"
#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <future>

namespace jl::access {
namespace {

using Outcome = PasswordCheck::Outcome;

struct House {
  House() { threads.start(true); }
  ~House() { threads.stop(); }

  std::future<Outcome> ask(const Secret& hash, const std::string& plain) {
    auto answer = std::make_shared<std::promise<Outcome>>();
    auto out = answer->get_future();
    thread.post([this, hash, plain, answer] {
      check.check(hash, Secret(plain), thread, [answer](Outcome outcome) { answer->set_value(outcome); });
    });
    return out;
  }

  jl::test::ManualClock clock;
  network::IoThreads threads{1, clock};
  network::IoThread& thread = threads.at(0);
  PasswordCheck check;
};

}  // namespace

TEST_SUITE("access.password_check") {
  TEST_CASE("the right password passes, at first and remembered; wrong ones never do") {
    House house;
    const Secret hash(device::hash_password("right"));
    CHECK(house.ask(hash, "right").get() == Outcome::right);
    CHECK(house.ask(hash, "right").get() == Outcome::right);
    CHECK(house.ask(hash, "wrong").get() == Outcome::wrong);
    CHECK(house.ask(hash, "").get() == Outcome::wrong);
    CHECK(house.ask(Secret("no hash"), "right").get() == Outcome::wrong);
  }

  TEST_CASE("what is remembered of a password does not pass for another user's") {
    House house;
    const Secret first(device::hash_password("one")), second(device::hash_password("two"));
    CHECK(house.ask(first, "one").get() == Outcome::right);
    CHECK(house.ask(second, "one").get() == Outcome::wrong);
  }

  TEST_CASE("over the limit of logins that wait, who comes is told to come again") {
    House house;
    const Secret hash(device::hash_password("right"));
    std::vector<std::future<Outcome>> answers;
    for (std::size_t i = 0; i < PasswordCheck::kMaxWaiting + 8; ++i) {
      answers.push_back(house.ask(hash, "wrong " + std::to_string(i)));
    }
    std::size_t busy = 0;
    for (auto& answer : answers) {
      const Outcome outcome = answer.get();
      busy += outcome == Outcome::busy ? 1u : 0u;
      CHECK(outcome != Outcome::right);
    }
    // One may be on its way already while the queue fills.
    CHECK(busy >= 1);
  }
}

}  // namespace jl::access

#include "daemon/codec/official/sequences.hpp"

#include <doctest/doctest.h>
#include <map>
#include <random>

using jl::Millis;
using jl::codec::official::Sequences;

namespace {
constexpr Millis kStart = 1'700'000'000'000;
}  // namespace

TEST_SUITE("codec.official.sequences") {
  TEST_CASE("numbers begin at 1 and stand for their messageId until they are answered [wire.md 5.5]") {
    Sequences sequences;
    CHECK(sequences.assign("a", kStart) == 1);
    CHECK(sequences.assign("b", kStart) == 2);
    CHECK(sequences.find(1, kStart) == "a");
    CHECK(sequences.find(2, kStart) == "b");
    CHECK(!sequences.find(3, kStart));
    CHECK(!sequences.find(0, kStart));
    sequences.release(1);
    CHECK(!sequences.find(1, kStart));
    sequences.release(1);
    sequences.release(9);
    CHECK(sequences.find(2, kStart) == "b");
  }

  TEST_CASE("a number stands for its messageId for 30 seconds [wire.md 5.5]") {
    Sequences sequences;
    const auto number = sequences.assign("a", kStart);
    CHECK(sequences.find(number, kStart - 5'000) == "a");
    CHECK(sequences.find(number, kStart + Sequences::kLife) == "a");
    CHECK(!sequences.find(number, kStart + Sequences::kLife + 1));
    CHECK(!sequences.find(number, kStart));
  }

  TEST_CASE("the life of a number sent at an unknown time begins with the next answer") {
    Sequences sequences;
    const auto number = sequences.assign("a", 0);
    CHECK(sequences.find(number, kStart) == "a");
    CHECK(sequences.find(number, kStart + Sequences::kLife) == "a");
    CHECK(!sequences.find(number, kStart + Sequences::kLife + 1));
  }

  TEST_CASE("after 65534 comes 1, and numbers that wait are skipped [wire.md 5.5]") {
    Sequences sequences;
    CHECK(sequences.assign("waits", kStart) == 1);
    for (std::uint16_t i = 2; i < Sequences::kLast; ++i) {
      const auto number = sequences.assign("x", kStart);
      REQUIRE(number == i);
      sequences.release(number);
    }
    CHECK(sequences.assign("x", kStart) == Sequences::kLast);
    CHECK(sequences.assign("y", kStart) == 2);
    CHECK(sequences.find(1, kStart) == "waits");
    CHECK(sequences.find(Sequences::kLast, kStart) == "x");
    CHECK(sequences.find(2, kStart) == "y");
  }

  TEST_CASE("the oldest of too many that wait is given up") {
    Sequences sequences;
    for (std::size_t i = 0; i <= Sequences::kMaxPending; ++i) static_cast<void>(sequences.assign("m", kStart));
    CHECK(!sequences.find(1, kStart));
    CHECK(sequences.find(2, kStart) == "m");
    CHECK(sequences.find(Sequences::kMaxPending + 1, kStart) == "m");
  }

  TEST_CASE("whatever the order of commands, answers and time, an answer finds its own command or none") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      std::mt19937 random(seed);
      Sequences sequences;
      struct Command {
        std::string id;
        Millis sent_at;
      };
      std::map<std::uint16_t, Command> model;  // what must be found
      std::vector<std::uint16_t> sent;         // in order
      Millis now = kStart;
      for (int step = 0; step < 4'000; ++step) {
        now += random() % 400;
        std::erase_if(model, [now](const auto& entry) { return now - entry.second.sent_at > Sequences::kLife; });
        if (random() % 2 == 0) {
          const std::string id = "m" + std::to_string(step);
          const auto number = sequences.assign(id, now);
          REQUIRE(number >= 1);
          REQUIRE(number <= Sequences::kLast);
          REQUIRE(!model.contains(number));
          model[number] = {id, now};
          sent.push_back(number);
        } else {
          const auto number = sent.empty() || random() % 8 == 0
                                  ? static_cast<std::uint16_t>(random() % 65'536)
                                  : sent[sent.size() - 1 - random() % std::min<std::size_t>(sent.size(), 300)];
          const auto found = sequences.find(number, now);
          const auto wanted = model.find(number);
          REQUIRE(found.has_value() == (wanted != model.end()));
          if (!found) continue;
          REQUIRE(*found == wanted->second.id);
          sequences.release(number);
          model.erase(wanted);
        }
      }
    }
  }
}

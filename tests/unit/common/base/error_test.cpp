#include "common/base/error.hpp"
#include "common/base/result.hpp"

#include <doctest/doctest.h>
#include <memory>
#include <set>
#include <string>

using namespace jl;

TEST_SUITE("common.base") {
  TEST_CASE("every error has a word of its own that leads back to it") {
    std::set<std::string_view> words;
    REQUIRE(errc_table().size() == static_cast<std::size_t>(Errc::count_));
    for (const ErrcInfo& row : errc_table()) {
      CAPTURE(row.word);
      CHECK(words.insert(row.word).second);
      CHECK(errc_from_word(row.word) == row.code);
      CHECK(&info(row.code) == &row);
      CHECK_FALSE(row.meaning.empty());
      CHECK(row.meaning.back() != '.');
    }
    CHECK_FALSE(errc_from_word("no_such_word"));
    CHECK_FALSE(errc_from_word(""));
  }

  TEST_CASE("exit codes are those of cli.md section 3, sysexits those of sysexits(3), statuses those of HTTP") {
    const std::set<int> exits{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 130};
    for (const ErrcInfo& row : errc_table()) {
      CAPTURE(row.word);
      CHECK(exits.contains(row.exit_code));
      CHECK(row.sysexit >= 64);
      CHECK(row.sysexit <= 78);
      const bool carries_a_result = row.code == Errc::partial || row.code == Errc::differs;
      CHECK(row.http_status >= (carries_a_result ? 200 : 400));
      CHECK(row.http_status < 600);
    }
  }

  TEST_CASE("the words that cli.md section 3 names have the exit codes it gives them") {
    struct Row {
      Errc code;
      int exit_code;
    };
    for (const Row& row : {Row{Errc::failed, 1},
                           Row{Errc::output, 1},
                           Row{Errc::usage, 2},
                           Row{Errc::not_found, 3},
                           Row{Errc::conflict, 4},
                           Row{Errc::already_exists, 4},
                           Row{Errc::revision_mismatch, 4},
                           Row{Errc::request_id_mismatch, 4},
                           Row{Errc::invalid, 5},
                           Row{Errc::unknown_field, 5},
                           Row{Errc::denied, 6},
                           Row{Errc::socket_denied, 6},
                           Row{Errc::unavailable, 7},
                           Row{Errc::not_running, 7},
                           Row{Errc::no_socket, 7},
                           Row{Errc::busy, 7},
                           Row{Errc::timeout, 8},
                           Row{Errc::version_mismatch, 9},
                           Row{Errc::job_failed, 10},
                           Row{Errc::partial, 11},
                           Row{Errc::unconfirmed, 12},
                           Row{Errc::differs, 20},
                           Row{Errc::interrupted, 130}}) {
      CAPTURE(info(row.code).word);
      CHECK(info(row.code).exit_code == row.exit_code);
    }
  }

  TEST_CASE("what exits with 7 or 8 can be tried again, what is wrong in itself cannot [cli.md 3]") {
    for (const ErrcInfo& row : errc_table()) {
      CAPTURE(row.word);
      if (row.exit_code == 7 || row.exit_code == 8) CHECK(row.retryable);
      if (row.exit_code == 2 || row.exit_code == 3 || row.exit_code == 5 || row.exit_code == 6)
        CHECK_FALSE(row.retryable);
      CHECK(Error(row.code, "x").retryable() == row.retryable);
      CHECK(Error(row.code, "x").word() == row.word);
    }
  }

  TEST_CASE("many problems become one error that names the first and keeps them all") {
    const Problem port{"spec.configuration.port", "is required", Errc::invalid, "network/mqtt-1"};
    const Problem typo{"spec.hots", "unknown field", Errc::unknown_field, "network/mqtt-1"};
    const Error one = error_from_problems({typo});
    CHECK(one.code == Errc::unknown_field);
    CHECK(one.field == "spec.hots");
    CHECK(one.message == "\"network/mqtt-1\": spec.hots: unknown field");
    const Error both = error_from_problems({port, typo});
    CHECK(both.code == Errc::invalid);
    CHECK(both.message == "\"network/mqtt-1\": spec.configuration.port: is required (and 1 more)");
    CHECK(both.problems == std::vector<Problem>{port, typo});
  }

  TEST_CASE("JL_TRY hands on a value or returns the error") {
    const auto half = [](int n) -> Result<int> {
      if (n % 2 != 0) return Error(Errc::invalid, "odd");
      return n / 2;
    };
    const auto quarter = [&](int n) -> Result<int> {
      JL_TRY(const int once, half(n));
      JL_TRY(const int twice, half(once));
      return twice;
    };
    CHECK(quarter(12).value() == 3);
    CHECK(quarter(6).error().code == Errc::invalid);
    CHECK_THROWS_AS((void)quarter(5).value(), BadResult);

    const auto check = [&](int n) -> Status {
      JL_CHECK(half(n));
      return {};
    };
    CHECK(check(2).has_value());
    CHECK(check(3).error().message == "odd");
  }

  TEST_CASE("JL_TRY moves what cannot be copied") {
    const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
    const auto use = [&]() -> Result<int> {
      JL_TRY(const std::unique_ptr<int> made, make());
      return *made;
    };
    CHECK(use().value() == 7);
  }
}

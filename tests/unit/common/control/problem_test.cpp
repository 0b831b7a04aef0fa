#include "common/control/problem.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace jl;
using namespace jl::control;
namespace json = boost::json;

TEST_SUITE("common.control") {
  TEST_CASE("a problem document carries status, code, detail and what to do next [RFC 9457 3.1]") {
    const json::object problem =
        to_problem(Error(Errc::not_found, "no network \"x\"", "jlctl network list", "id"), "req-1");
    CHECK(problem ==
          json::parse(R"({"type":"about:blank","title":"a named object does not exist","status":404,"code":"not_found",
      "detail":"no network \"x\"","hint":"jlctl network list","field":"id","retryable":false,"requestId":"req-1"})"));
    const json::object bare = to_problem(Error(Errc::busy, "wait"));
    CHECK_FALSE(bare.contains("hint"));
    CHECK_FALSE(bare.contains("requestId"));
    CHECK(bare.at("retryable") == true);
  }

  TEST_CASE("every error goes over the socket and comes back the same") {
    for (const ErrcInfo& row : errc_table()) {
      CAPTURE(row.word);
      Error error(row.code, "what", "next", "field");
      error.problems.push_back({"spec.port", "is required", Errc::unknown_field, "network/n"});
      error.members = {{"expected", "a"}, {"actual", "b"}};
      const Error back = from_problem(json::serialize(to_problem(error)), row.http_status);
      CHECK(back.code == error.code);
      CHECK(back.message == error.message);
      CHECK(back.hint == error.hint);
      CHECK(back.field == error.field);
      CHECK(back.problems == error.problems);
      CHECK(back.members == error.members);
    }
  }

  TEST_CASE("an error's own members are extension members, and never stand for the common ones [RFC 9457 3.2]") {
    Error error(Errc::sign_mismatch, "what");
    error.members = {{"expected", "a"}, {"status", "99"}, {"detail", "other"}};
    const json::object problem = to_problem(error, "req-1");
    CHECK(problem.at("expected") == "a");
    CHECK(problem.at("status") == 422);
    CHECK(problem.at("detail") == "what");
    const auto members = from_problem(json::serialize(problem), 422).members;
    CHECK(members == std::vector<std::pair<std::string, std::string>>{{"expected", "a"}});
  }

  TEST_CASE("positions are told when they are known") {
    const json::array list = problem_list({{"f", "m", Errc::invalid, "", SourcePosition{"a.yaml", 3, 7}}});
    CHECK(list.at(0).at("position") == json::parse(R"({"file":"a.yaml","line":3,"column":7})"));
    CHECK_FALSE(list.at(0).as_object().contains("object"));
  }

  TEST_CASE("an answer that is no problem document is a failure with the status in its text") {
    for (const char* body : {"", "<html>", "[]", "{}", "{\"code\":7}", "{\"code\":\"no_such_word\"}",
                             "{\"code\":\"failed\",\"problems\":[1,{}]}"}) {
      CAPTURE(body);
      CHECK(from_problem(body, 502).code == Errc::failed);
    }
    CHECK(from_problem("<html>", 502).message.find("502") != std::string::npos);
  }
}

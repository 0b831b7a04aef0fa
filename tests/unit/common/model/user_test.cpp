#include "common/model/user.hpp"

#include "tests/unit/common/model/support.hpp"

using namespace jl;
using namespace jl::model;

namespace {

// The messages about one filter; the field must be the first of the list.
std::vector<std::string> faults(const std::string& filter) {
  json::value list(json::array{json::value(filter)});
  std::vector<Problem> problems;
  check_filters(list, "spec.subscribe", problems);
  std::vector<std::string> out;
  for (const Problem& problem : problems) {
    CHECK(problem.field == "spec.subscribe[0]");
    CHECK(problem.code == Errc::invalid);
    out.push_back(problem.message);
  }
  return out;
}

}  // namespace

TEST_SUITE("common.model.user") {
  TEST_CASE("a user is read: component, name, password, and the topics it may use") {
    const auto user = from_json<User>(read("user",
                                           "{'id':'u','spec':{'networkId':'mqtt-1','username':'app','password':'pw',"
                                           "'publish':['/device/+/+/message/send/#'],'subscribe':['/device/#','+']}}")
                                          .spec);
    CHECK(user.network.id == "mqtt-1");
    CHECK(user.username == "app");
    CHECK(user.password.reveal() == "pw");
    CHECK(user.publish == std::vector<std::string>{"/device/+/+/message/send/#"});
    CHECK(user.subscribe == std::vector<std::string>{"/device/#", "+"});
  }

  TEST_CASE("component and password are required, and unknown fields are refused") {
    CHECK(problems_of("user", "{'id':'u','spec':{'networkId':'n'}}") == Briefs{"spec.password invalid"});
    CHECK(problems_of("user", "{'id':'u','spec':{'password':'p'}}") == Briefs{"spec.networkId invalid"});
    CHECK(problems_of("user", "{'id':'u','spec':{'networkId':'n','password':'p','topics':[]}}") ==
          Briefs{"spec.topics unknown_field"});
  }

  TEST_CASE("the password is a secret of which only a hash is kept") {
    const Kind* kind = find_kind("user");
    REQUIRE(kind);
    int hashed = 0;
    json::object spec = js("{'networkId':'n','username':'u','password':'p'}").as_object();
    const json::object root = spec;
    for_each_value(*kind->spec, spec, root, "spec", [&](const Field& field, json::value&, const std::string& path) {
      if (!field.hashed) return;
      ++hashed;
      CHECK(path == "spec.password");
      CHECK(field.type == Type::secret);
    });
    CHECK(hashed == 1);
  }

  TEST_CASE("filters have + and # as levels of their own, # as the last one [MQTT 5 4.7.1]") {
    for (const char* right : {"#", "+", "/", "/#", "+/+", "a/#", "a/+/b", "/+/", "a//b", "$SYS/#", "$shared/a",
                              "sport/tennis/player1/#", "\xE6\xB8\xA9\xE5\xBA\xA6/+"}) {
      CAPTURE(right);
      CHECK(faults(right).empty());
    }
    for (const char* wrong : {"a+", "+a", "a/b+/c", "a#", "#a", "a/b#", "++", "+#"}) {
      CAPTURE(wrong);
      REQUIRE(faults(wrong).size() == 1);
      CHECK(faults(wrong)[0].ends_with("has a wildcard that is not a level of its own"));
    }
    for (const char* wrong : {"#/", "#/a", "a/#/b", "#/#"}) {
      CAPTURE(wrong);
      REQUIRE(faults(wrong).size() == 1);
      CHECK(faults(wrong)[0].ends_with("has \"#\" before its last level"));
    }
  }

  TEST_CASE("filters are neither empty, nor longer than 1024 bytes, and hold no NUL [MQTT 5 4.7.3]") {
    REQUIRE(faults("").size() == 1);
    CHECK(faults("")[0] == "\"\" is empty");
    CHECK(faults(std::string(1024, 'a')).empty());
    const auto too_long = faults(std::string(1025, 'a'));
    REQUIRE(too_long.size() == 1);
    CHECK(too_long[0].ends_with("is longer than 1024 bytes"));
    CHECK(too_long[0].size() < 200);
    REQUIRE(faults(std::string("a\0b", 3)).size() == 1);
    CHECK(faults(std::string("a\0b", 3))[0].ends_with("holds a NUL character"));
  }

  TEST_CASE("shared subscriptions are written without their share: the filter alone gives the right") {
    REQUIRE(faults("$share/g/a").size() == 1);
    CHECK(faults("$share/g/a")[0].ends_with("names a shared subscription; name its filter alone"));
  }

  TEST_CASE("every wrong filter of a document is named with its place") {
    CHECK(problems_of("user",
                      "{'id':'u','spec':{'networkId':'n','password':'p','publish':['a','b#'],"
                      "'subscribe':['','x','#/y']}}") ==
          Briefs{"spec.publish[1] invalid", "spec.subscribe[0] invalid", "spec.subscribe[2] invalid"});
  }

  TEST_CASE("what is no list of texts is left to the field's type") {
    std::vector<Problem> problems;
    json::value text("a+"), mixed(json::array{json::value(1), json::value("a+")});
    check_filters(text, "spec.publish", problems);
    CHECK(problems.empty());
    check_filters(mixed, "spec.publish", problems);
    CHECK(brief(problems) == Briefs{"spec.publish[1] invalid"});
  }
}

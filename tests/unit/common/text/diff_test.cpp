#include "common/text/diff.hpp"

#include "tests/unit/common/text/support.hpp"

using namespace jl;
using namespace jl::text;

namespace {
Lines changes(const std::string& before, const std::string& after) {
  return diff_lines(diff(js(before).as_object(), js(after).as_object()));
}
}  // namespace

TEST_SUITE("common.text") {
  TEST_CASE("members are compared by name, in any order") {
    CHECK(changes("{'a':1,'b':{'c':2,'d':3}}", "{'b':{'d':3,'c':2},'a':1}").empty());
    CHECK(changes("{'a':1,'b':{'c':2,'d':3},'x':'old'}", "{'a':2,'b':{'c':2,'e':[1]}}") ==
          Lines{"- a: 1", "+ a: 2", "- b.d: 3", "+ b.e: [1]", "- x: \"old\""});
    CHECK(changes("{}", "{'a':null}") == Lines{"+ a: null"});
  }

  TEST_CASE("lists of objects are compared item by item, others as a whole") {
    CHECK(changes("{'l':[{'id':'a','v':1},{'id':'b'}]}", "{'l':[{'id':'a','v':2}]}") ==
          Lines{"- l[0].v: 1", "+ l[0].v: 2", "- l[1]: {\"id\":\"b\"}"});
    CHECK(changes("{'l':[{'id':'a'}]}", "{'l':[{'id':'a'},{'id':'b'}]}") == Lines{"+ l[1]: {\"id\":\"b\"}"});
    CHECK(changes("{'l':[1,2]}", "{'l':[1,3]}") == Lines{"- l: [1,2]", "+ l: [1,3]"});
    CHECK(changes("{'l':[]}", "{'l':[{'a':1}]}") == Lines{"- l: []", "+ l: [{\"a\":1}]"});
    CHECK(changes("{'l':{'a':1}}", "{'l':7}") == Lines{"- l: {\"a\":1}", "+ l: 7"});
  }

  TEST_CASE("the API's form leaves out what is not there") {
    const auto found = diff(js("{'a':1,'b':null}").as_object(), js("{'a':2,'c':3}").as_object());
    CHECK(to_json(found) ==
          js("[{'field':'a','before':1,'after':2},{'field':'b','before':null},{'field':'c','after':3}]"));
    CHECK(found.at(2) == FieldChange{"c", std::nullopt, json::value(3)});
  }
}

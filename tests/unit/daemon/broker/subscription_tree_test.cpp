#include "daemon/broker/subscription_tree.hpp"

#include "daemon/broker/client.hpp"
#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <map>

namespace jl::broker {
namespace {

struct Garden {
  test::ManualClock clock;
  network::IoThreads threads{1, clock};
  SubscriptionTree tree;
  std::map<std::string, std::shared_ptr<Client>> clients;

  std::shared_ptr<Client> client(const std::string& id) {
    auto& out = clients[id];
    if (!out) out = std::make_shared<Client>(id, threads.at(0));
    return out;
  }
  void add(const std::string& id, std::string_view filter, std::string_view group = {}, std::uint8_t qos = 0) {
    tree.add(group, filter, {client(id), 0, qos, false, false});
  }
  void remove(const std::string& id, std::string_view filter, std::string_view group = {}) {
    tree.remove(group, filter, client(id).get());
  }
  /// The ids of who gets the topic, in order; those with several matching filters several times.
  std::string who(std::string_view topic) {
    std::vector<const Subscriber*> found;
    filters = tree.match(topic, found);
    std::vector<std::string> ids;
    for (const Subscriber* each : found) ids.push_back(each->client->id);
    std::ranges::sort(ids);
    std::string out;
    for (const auto& id : ids) out += (out.empty() ? "" : " ") + id;
    return out;
  }
  std::size_t filters = 0;  // that matched last
};

TEST_CASE("a filter without wildcards matches its topic, by level and case [MQTT-4.7.3-4]") {
  Garden g;
  g.add("x", "a/b");
  CHECK(g.who("a/b") == "x");
  CHECK(g.filters == 1);
  for (const char* other : {"a", "a/b/c", "a/B", "/a/b", "a/b/", "a//b", "ab"})
    CHECK_MESSAGE(g.who(other).empty(), other);
}

TEST_CASE("# matches the level above it and everything below [4.7.1.2]") {
  Garden g;
  g.add("x", "a/b/#");
  for (const char* topic : {"a/b", "a/b/c", "a/b/c/d", "a/b/"}) CHECK_MESSAGE(g.who(topic) == "x", topic);
  for (const char* topic : {"a", "a/c", "a/bc"}) CHECK_MESSAGE(g.who(topic).empty(), topic);
}

TEST_CASE("# alone matches every topic but those that begin with $ [MQTT-4.7.2-1]") {
  Garden g;
  g.add("x", "#");
  g.add("y", "+/b");
  g.add("z", "$sys/#");
  CHECK(g.who("a/b") == "x y");
  CHECK(g.who("/") == "x");
  CHECK(g.who("$sys/b") == "z");
  CHECK(g.who("$sys") == "z");
  CHECK(g.who("a/$b") == "x");
}

TEST_CASE("wildcards below the first level match levels that begin with $ [4.7.2]") {
  Garden g;
  g.add("x", "a/+");
  g.add("y", "a/#");
  CHECK(g.who("a/$b") == "x y");
}

TEST_CASE("+ stands for exactly one level, an empty one too [4.7.1.3]") {
  Garden g;
  g.add("x", "a/+/c");
  g.add("y", "+/+");
  g.add("z", "/+");
  g.add("w", "+");
  CHECK(g.who("a/b/c") == "x");
  CHECK(g.who("a//c") == "x");
  CHECK(g.who("a/b/b/c").empty());
  CHECK(g.who("/finance") == "y z");
  CHECK(g.who("finance") == "w");
  CHECK(g.who("a/") == "y");
}

TEST_CASE("a level that holds a wildcard character among others in a topic is no wildcard") {
  Garden g;
  g.add("x", "a/b");
  CHECK(g.who("a/+").empty());
  CHECK(g.who("a/#").empty());
}

TEST_CASE("a client is there once per matching filter, and the number of filters is told") {
  Garden g;
  g.add("x", "a/b");
  g.add("x", "a/+");
  g.add("x", "#");
  g.add("y", "a/b");
  CHECK(g.who("a/b") == "x x x y");
  CHECK(g.filters == 3);
}

TEST_CASE("a subscription of the same filter is replaced [MQTT-3.8.4-3]") {
  Garden g;
  g.add("x", "a/b", {}, 0);
  g.add("x", "a/b", {}, 2);
  std::vector<const Subscriber*> found;
  (void)g.tree.match("a/b", found);
  REQUIRE(found.size() == 1);
  CHECK(found[0]->qos == 2);
}

TEST_CASE("what is removed leaves nothing behind, and only itself") {
  Garden g;
  g.add("x", "a/b/c/#");
  g.add("y", "a/b");
  g.add("x", "a/b", "group");
  g.remove("y", "a/b/c/#");  // another's
  g.remove("x", "a/b/c");    // the same way without the end
  g.remove("x", "a/b");      // the group's member is not the subscriber
  CHECK(g.who("a/b/c/d") == "x");
  CHECK(g.who("a/b") == "x y");
  g.remove("x", "a/b/c/#");
  CHECK(g.who("a/b/c/d").empty());
  CHECK(g.who("a/b") == "x y");
  g.remove("y", "a/b");
  CHECK_FALSE(g.tree.empty());
  g.remove("x", "a/b", "group");
  CHECK(g.tree.empty());
  g.remove("x", "a/b", "group");
  CHECK(g.tree.empty());
}

TEST_CASE("the members of a group take turns [4.8.2]") {
  Garden g;
  for (const char* id : {"x", "y", "z"}) {
    g.add(id, "a/#", "g");
    g.client(id);
  }
  std::map<std::string, int> counts;
  for (int i = 0; i < 9; ++i) ++counts[g.who("a/b")];
  CHECK(counts == std::map<std::string, int>{{"x", 3}, {"y", 3}, {"z", 3}});
}

TEST_CASE("groups are apart from each other and from subscriptions that are not shared [4.8.2]") {
  Garden g;
  g.add("x", "a", "g1");
  g.add("y", "a", "g2");
  g.add("z", "a");
  CHECK(g.who("a") == "x y z");
  CHECK(g.filters == 3);
}

TEST_CASE("a group that lost members goes on with the others") {
  Garden g;
  for (const char* id : {"x", "y", "z"}) g.add(id, "a", "g");
  (void)g.who("a");
  (void)g.who("a");
  g.remove("z", "a", "g");
  g.remove("x", "a", "g");
  CHECK(g.who("a") == "y");
  CHECK(g.who("a") == "y");
}

TEST_CASE("very deep filters are added, matched and removed") {
  Garden g;
  std::string deep = "l";
  for (int i = 0; i < 500; ++i) deep += "/l";
  g.add("x", deep);
  g.add("y", "+/#");
  CHECK(g.who(deep) == "x y");
  g.remove("x", deep);
  g.remove("y", "+/#");
  CHECK(g.tree.empty());
}

}  // namespace
}  // namespace jl::broker

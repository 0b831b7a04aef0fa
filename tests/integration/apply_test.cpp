// Many documents as one change, and what keeps callers safe: retries, revisions, limits, secrets, the change feed.
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <random>
#include <set>

namespace jl::test {
namespace {

std::string product(std::string_view id, std::string_view name) {
  return fmt::format(R"({{"kind":"product","id":"{}","name":"{}","spec":{{}}}})", id, name);
}

std::vector<std::int64_t> counts(const Reply& reply) {
  return {reply.number("summary.created"), reply.number("summary.updated"), reply.number("summary.unchanged"),
          reply.number("summary.deleted")};
}
using Counts = std::vector<std::int64_t>;

/// Every manifest that export writes.
std::vector<std::string> export_of(const House& house, const char* query = "") {
  Ctl ctl = house.ctl();
  ctl.stream("GET", std::string("/v1/export") + query);
  std::vector<std::string> out;
  for (json::value line = ctl.line(); !line.is_null(); line = ctl.line()) out.push_back(json::serialize(line));
  return out;
}

}  // namespace

TEST_CASE("apply counts what is created, updated and unchanged, and says which fields") {
  House house;
  Reply reply = house.apply(join_documents({product("p1", "One"), product("p2", "Two")}));
  CHECK(counts(reply) == Counts{2, 0, 0, 0});
  CHECK(reply.text("result") == "applied");
  CHECK(reply.number("revision") == 1);  // one transaction
  reply = house.apply(join_documents({product("p1", "One"), product("p2", "Second"), product("p3", "Three")}));
  CHECK(counts(reply) == Counts{1, 1, 1, 0});
  CHECK(reply.number("changesTotal") == 2);
  CHECK(reply.text("changes.0.id") == "p2");
  CHECK(reply.text("changes.0.result") == "updated");
  CHECK(reply.at("changes.0.fields") ==
        json::value{json::object{{"field", "name"}, {"before", "Two"}, {"after", "Second"}}});
  reply = house.apply(join_documents({product("p1", "One"), product("p2", "Second"), product("p3", "Three")}));
  CHECK(counts(reply) == Counts{0, 0, 3, 0});
  CHECK(reply.text("result") == "unchanged");
  CHECK(house.revision() == 2);
}

TEST_CASE("prune deletes what the same set no longer names, enabled or not, and nothing else") {
  House house;
  REQUIRE(house.apply(join_documents({product("keep", "k"), product("go", "g")}), "?set=a").status == 200);
  REQUIRE(house.apply(join_documents({product("theirs", "t")}), "?set=b").status == 200);
  REQUIRE(house.apply(join_documents({product("loose", "l")})).status == 200);
  CHECK(house.apply(join_documents({product("keep", "k")}), "?prune=true").code() == "usage");
  const Reply reply = house.apply(join_documents({product("keep", "k")}), "?set=a&prune=true");
  CHECK(counts(reply) == Counts{0, 0, 1, 1});
  CHECK(reply.text("changes.0.result") == "deleted");
  CHECK(house.call("HEAD", "/v1/products/go").status == 404);
  for (const char* const id : {"keep", "theirs", "loose"})
    CHECK(house.call("HEAD", std::string("/v1/products/") + id).status == 200);
}

TEST_CASE("prune does not take what others use") {
  House house;
  REQUIRE(house.apply(join_documents({product("p", "p")}), "?set=a").status == 200);
  REQUIRE(house.apply(join_documents({device_manifest("d", "p")})).status == 200);
  CHECK(house.apply("[]", "?set=a&prune=true").code() == "in_use");
  CHECK(house.call("HEAD", "/v1/products/p").status == 200);
}

TEST_CASE("a dry run says what the deed then does, and changes nothing") {
  House house;
  house.provision();
  REQUIRE(house.apply(join_documents({device_manifest("s1", "sensor"), device_manifest("s2", "sensor")}), "?set=s")
              .status == 200);
  Device one(house.port, "s1"), two(house.port, "d1");
  const std::string documents = join_documents({device_manifest("s2", "sensor"), device_manifest("s3", "sensor"),
                                                network_manifest("net", house.port, R"(,"enabled":false)")});
  const std::int64_t before = house.revision();
  Reply plan = house.apply(documents, "?set=s&prune=true&dryRun=true");
  CHECK(plan.text("result") == "planned");
  CHECK(house.revision() == before);
  CHECK(house.call("HEAD", "/v1/devices/s3").status == 404);
  CHECK(
      house.call("POST", "/v1/diff?set=s&prune=true", fmt::format(R"({{"documents":{}}})", documents)).at("changes") ==
      plan.at("changes"));

  const Reply deed = house.apply(documents, "?set=s&prune=true");
  CHECK(deed.status == 200);
  for (const char* const part : {"summary", "changes", "changesTotal", "disconnected"}) {
    CAPTURE(part);
    CHECK(deed.at(part) == plan.at(part));
  }
  CHECK(deed.number("disconnected") == 2);
}

TEST_CASE("one bad document changes nothing, and every problem names its object and field") {
  House house;
  house.provision();
  const std::int64_t before = house.revision();
  const Reply reply = house.apply(R"([
    {"kind":"product","id":"fine","spec":{}},
    {"kind":"product","id":"odd","spec":{"deviceTpye":"device"}},
    {"kind":"device","id":"dev","spec":{}},
    {"kind":"device","id":"d1","spec":{"productId":"fine"}},
    {"kind":"network","id":"n","spec":{"type":"MQTT_SERVER","configuration":{"port":70000}}},
    {"kind":"gizmo","id":"g"},
    {"kind":"product","id":"fine","spec":{}},
    7])");
  CHECK(reply.status == 422);
  auto problems = reply.problems();
  std::ranges::sort(problems);
  CHECK(problems == std::vector<std::string>{" documents[7] invalid", "device/d1 spec.productId immutable_field",
                                             "device/dev spec.productId invalid", "documents[5] kind invalid",
                                             "network/n spec.configuration.port invalid", "product/fine id invalid",
                                             "product/odd spec.deviceTpye unknown_field"});
  CHECK(house.revision() == before);
  CHECK(house.call("HEAD", "/v1/products/fine").status == 404);
}

TEST_CASE("an apply that streams tells its progress and ends with the result, or with the error") {
  House house;
  Ctl ctl = house.ctl();
  ctl.stream("POST", "/v1/apply", fmt::format(R"({{"documents":{}}})", join_documents({product("p", "p")})));
  std::set<std::string> phases;
  json::value last;
  for (json::value line = ctl.line(); !line.is_null(); line = ctl.line()) {
    const Reply reply{200, line};
    if (const std::string phase = reply.text("progress.phase"); !phase.empty()) phases.insert(phase);
    last = line;
  }
  CHECK(phases == std::set<std::string>{"checking", "committing", "queued", "reading"});
  CHECK(Reply{200, last}.text("result") == "applied");

  Ctl bad = house.ctl();
  bad.stream("POST", "/v1/apply", R"({"documents":[{"kind":"product","id":"x","spec":{"accessId":"nothing"}}]})");
  last = nullptr;
  for (json::value line = bad.line(); !line.is_null(); line = bad.line()) last = line;
  CHECK(Reply{200, last}.text("error.problems.0.object") == "product/x");
}

TEST_CASE("export, applied again, changes nothing, whatever was there [property]") {
  House house;
  std::mt19937 random(20240607);
  const auto roll = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const char* const names[] = {"", "Plain", "温度传感器", "with \\\"quotes\\\"", "täglich", "a: b # c", "true", "0123"};
  const auto common = [&] {
    std::string out;
    if (const std::string_view name = names[roll(8)]; !name.empty()) out += fmt::format(R"(,"name":"{}")", name);
    if (roll(3) == 0) out += R"(,"description":"line one\nline two")";
    return out;
  };
  for (int round = 0; round < 10; ++round) {
    std::vector<std::string> documents;
    documents.push_back(
        fmt::format(R"({{"kind":"protocol","id":"pr-{}"{},"spec":{{"type":"builtin"}}}})", round, common()));
    for (int i = 0; i < 3; ++i) {
      const std::string cluster =
          roll(2)
              ? fmt::format(
                    R"(,"shareCluster":false,"cluster":[{{"serverId":"elsewhere-{}","configuration":{{"port":{}}}}}])",
                    i, 1 + roll(65535))
              : "";
      documents.push_back(fmt::format(
          R"({{"kind":"network","id":"n-{}-{}","enabled":false{},"spec":{{"type":"MQTT_SERVER","configuration":{{"port":{},"maxMessageSize":{}}}{}}}}})",
          round, i, common(), 1 + roll(65535), 1024 + roll(100000), cluster));
      documents.push_back(fmt::format(
          R"({{"kind":"gateway","id":"g-{0}-{1}","enabled":{2}{3},"spec":{{"provider":"mqtt-server-gateway","channelId":"n-{0}-{1}","protocol":"pr-{0}","productOnly":{4}}}}})",
          round, i, roll(2) == 0, common(), roll(2) == 0));
    }
    for (int i = 0; i < 4; ++i) {
      const char* const types[] = {"int", "double", "string", "boolean"};
      documents.push_back(fmt::format(
          R"({{"kind":"product","id":"p-{0}-{1}","enabled":true{2},"spec":{{"accessId":"g-{0}-{3}","deviceType":"{4}","metadata":{{"properties":[{{"id":"x","name":"X","valueType":{{"type":"{5}"}}}}]}},"configuration":{{"secureKey":"pk-{1}"}}}}}})",
          round, i, common(), roll(3), i == 0 ? "gateway" : "device", types[i]));
    }
    for (int i = 0; i < 20; ++i) {
      const std::string parent = i > 0 && roll(3) == 0 ? fmt::format(R"(,"parentId":"d-{}-{}")", round, roll(i)) : "";
      documents.push_back(fmt::format(
          R"({{"kind":"device","id":"d-{0}-{1}","enabled":{2}{3},"spec":{{"productId":"p-{0}-{4}","configuration":{{"secureId":"s{1}","secureKey":"k\u00fc{5}"}}{6}}}}})",
          round, i, roll(2) == 0, common(), roll(4), roll(1000), parent));
    }
    const Reply made = house.apply(join_documents(documents));
    REQUIRE_MESSAGE(made.status == 200, json::serialize(made.body));
  }
  for (const char* const query : {"", "?withSecrets=true"}) {
    CAPTURE(query);
    auto manifests = export_of(house, query);
    CHECK(manifests.size() == 310);
    std::ranges::shuffle(manifests, random);  // order does not matter
    const Reply again = house.apply(join_documents(manifests));
    REQUIRE_MESSAGE(again.status == 200, json::serialize(again.body));
    CHECK(again.text("result") == "unchanged");
    CHECK(again.number("summary.unchanged") == 310);
  }
}

TEST_CASE("secrets stand in no answer, no export, no log and no change feed") {
  House house;
  house.provision();
  constexpr std::string_view kCanary = "CANARY-4711";
  Ctl watch = house.ctl();
  watch.stream("GET", "/v1/watch?limit=2");
  const std::string body =
      R"({"id":"c","enabled":true,"spec":{"productId":"sensor","configuration":{"secureId":"c","secureKey":"CANARY-4711"}}})";
  std::string seen = json::serialize(house.call("POST", "/v1/devices?requestId=r1", body).body);
  seen += json::serialize(house.call("POST", "/v1/devices?requestId=r1", body).body);
  seen += json::serialize(house.call("POST", "/v1/devices", body).body);
  seen += json::serialize(
      house.call("PATCH", "/v1/devices/c", R"({"spec":{"configuration":{"secureKey":"CANARY-4711-2"}}})").body);
  seen += json::serialize(
      house
          .apply(
              R"([{"kind":"device","id":"c","enabled":true,"spec":{"productId":"sensor","configuration":{"secureKey":"CANARY-4711-3","secureId":["c"]}}}])")
          .body);
  seen += json::serialize(
      house
          .apply(
              R"([{"kind":"device","id":"c","enabled":true,"spec":{"productId":"sensor","configuration":{"secureKey":"CANARY-4711-3"}}}])",
              "?dryRun=true")
          .body);
  for (const char* const path : {"/v1/devices/c", "/v1/devices", "/v1/devices/c/state", "/v1/devices/c/impact",
                                 "/v1/status", "/v1/logs/access", "/v1/logs/system"}) {
    seen += json::serialize(house.call("GET", path).body);
  }
  for (const auto& manifest : export_of(house)) seen += manifest;
  seen += json::serialize(watch.line()) + json::serialize(watch.line());
  const auto leak = seen.find(kCanary);
  CHECK_MESSAGE(leak == std::string::npos,
                seen.substr(leak == std::string::npos ? 0 : leak - std::min<std::size_t>(leak, 300), 400));
  CHECK(seen.find("sealed:") != std::string::npos);
  std::string clear;
  for (const auto& manifest : export_of(house, "?withSecrets")) clear += manifest;
  CHECK(clear.find("CANARY-4711-2") != std::string::npos);
}

TEST_CASE("a placeholder keeps the secret that it stands for, and no other") {
  House house;
  house.provision();
  const std::string shown = house.call("GET", "/v1/devices/d1").text("spec.configuration.secureKey");
  REQUIRE(shown.starts_with("sealed:"));
  const auto patch = [&](const std::string& device, const std::string& key) {
    return house.call("PATCH", "/v1/devices/" + device,
                      fmt::format(R"({{"spec":{{"configuration":{{"secureKey":"{}"}}}}}})", key));
  };
  CHECK(patch("d1", shown).text("result") == "unchanged");
  CHECK(Device::try_connect(house.port, Login("d1")) == 0);
  const Reply foreign = patch("d2", shown);
  CHECK(foreign.code() == "secret_missing");
  CHECK(foreign.text("field") == "spec.configuration.secureKey");
  CHECK(patch("d1", "sealed:0000000000000000").code() == "secret_missing");
  CHECK(patch("d1", "sealed1:AAAA").status == 422);
  // Equal secrets show alike, different ones do not.
  CHECK(patch("d2", "key-d1").at("data.spec.configuration.secureKey") == json::value(shown));
  CHECK(patch("d2", "key-d2").at("data.spec.configuration.secureKey") != json::value(shown));
}

TEST_CASE("a retry under the same request id gets the same answer and does nothing again") {
  House house;
  const char* const body = R"({"id":"p","name":"One","spec":{}})";
  const Reply first = house.call("POST", "/v1/products?requestId=r-1", body);
  CHECK(first.status == 201);
  const Reply again = house.call("POST", "/v1/products?requestId=r-1", body);
  CHECK(again.status == 201);
  CHECK(again.body == first.body);
  CHECK(house.revision() == 1);
  // Another request is not answered with it: another body, command, object or parameter.
  CHECK(house.call("POST", "/v1/products?requestId=r-1", R"({"id":"p","name":"Two","spec":{}})").code() ==
        "request_id_mismatch");
  CHECK(house.call("DELETE", "/v1/products/p?requestId=r-1").code() == "request_id_mismatch");
  CHECK(house.call("POST", "/v1/products?requestId=r-1&ifNotExists", body).code() == "request_id_mismatch");

  const Reply applied = house.apply(join_documents({product("q", "q")}), "?requestId=r-2");
  CHECK(house.apply(join_documents({product("q", "q")}), "?requestId=r-2").body == applied.body);
  CHECK(house.call("DELETE", "/v1/products/q?requestId=r-3").text("result") == "deleted");
  CHECK(house.call("DELETE", "/v1/products/q?requestId=r-3").text("result") == "deleted");
  CHECK(house.call("DELETE", "/v1/products/q").code() == "not_found");

  house.restart();
  CHECK(house.call("POST", "/v1/products?requestId=r-1", body).body == first.body);
  house.clock.advance(24LL * 3600 * 1000 + 1);
  CHECK(house.call("POST", "/v1/products?requestId=r-1", body).code() == "already_exists");
  CHECK(house.call("POST", "/v1/products?requestId=" + std::string(129, 'x'), body).code() == "bad_request");
}

TEST_CASE("a failed change is not remembered under its request id") {
  House house;
  CHECK(house.call("POST", "/v1/products/p/enable?requestId=r").code() == "not_found");
  REQUIRE(house.call("POST", "/v1/products", R"({"id":"p","spec":{}})").status == 201);
  CHECK(house.call("POST", "/v1/products/p/enable?requestId=r").status == 422);  // tried anew: no gateway
}

TEST_CASE("if-revision lets a change through only if nothing came between") {
  House house;
  const std::int64_t revision = house.call("POST", "/v1/products", R"({"id":"p","spec":{}})").number("data.revision");
  const auto edit = [&](std::int64_t expected, const char* name) {
    return house.call("PATCH", fmt::format("/v1/products/p?ifRevision={}", expected),
                      fmt::format(R"({{"name":"{}"}})", name));
  };
  const Reply done = edit(revision, "one");
  CHECK(done.text("result") == "updated");
  CHECK(edit(revision, "two").code() == "revision_mismatch");
  CHECK(house.call("GET", "/v1/products/p").text("name") == "one");
  CHECK(edit(done.number("revision"), "two").status == 200);
  CHECK(house.call("DELETE", fmt::format("/v1/products/p?ifRevision={}", revision)).code() == "revision_mismatch");
  CHECK(house.call("PATCH", "/v1/products/p?ifRevision=one", "{}").code() == "bad_request");
  // For an apply it is the store's.
  const std::int64_t all = house.revision();
  CHECK(house.apply(join_documents({product("q", "q")}), fmt::format("?ifRevision={}", all - 1)).code() ==
        "revision_mismatch");
  CHECK(house.apply(join_documents({product("q", "q")}), fmt::format("?ifRevision={}", all)).status == 200);
}

TEST_CASE("max-disconnect holds for every kind of change, also within an apply") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  for (const char* const path : {"networks/net", "gateways/gw", "products/sensor", "devices/d1"}) {
    CAPTURE(path);
    CHECK(house.call("GET", fmt::format("/v1/{}/impact", path)).number("sessions") == 1);
    CHECK(house.call("POST", fmt::format("/v1/{}/disable?maxDisconnect=0", path)).code() == "disconnect_limit");
  }
  const std::string off =
      R"([{"kind":"gateway","id":"gw","enabled":false,"spec":{"provider":"mqtt-server-gateway","channelId":"net","protocol":"official"}},
    {"kind":"device","id":"d1","enabled":false,"spec":{"productId":"sensor"}}])";
  CHECK(house.apply(off, "?maxDisconnect=0").code() == "disconnect_limit");
  CHECK(device.publish("properties/report", R"({"properties":{"temp":1}})") == 0);
  CHECK(house.apply(off, "?maxDisconnect=1").number("disconnected") == 1);
  CHECK(device.is_ended());
}

TEST_CASE("the change feed tells every commit in order, and a limit ends it") {
  House house;
  Ctl all = house.ctl(), products = house.ctl();
  all.stream("GET", "/v1/watch?limit=6");
  products.stream("GET", "/v1/watch?kind=product&limit=3");
  REQUIRE(house.call("POST", "/v1/products", R"({"id":"a","spec":{}})").status == 201);
  REQUIRE(house.apply(join_documents({R"({"kind":"device","id":"d","spec":{"productId":"b"}})", product("b", "b")}))
              .status == 200);
  REQUIRE(house.call("PATCH", "/v1/products/a", R"({"name":"A"})").status == 200);
  REQUIRE(house.call("DELETE", "/v1/devices/d").status == 200);
  REQUIRE(house.call("DELETE", "/v1/products/a").status == 200);
  const auto told = [](Ctl& ctl) {
    std::vector<std::string> out;
    for (json::value line = ctl.line(); !line.is_null(); line = ctl.line()) {
      const Reply event{200, line};
      out.push_back(fmt::format("{} {} {}/{} {}", event.number("revision"), event.text("event"), event.text("kind"),
                                event.text("id"), event.text("data.name")));
    }
    return out;
  };
  CHECK(told(all) == std::vector<std::string>{"1 put product/a a", "2 put product/b b", "2 put device/d d",
                                              "3 put product/a A", "4 delete device/d ", "5 delete product/a "});
  CHECK(told(products) == std::vector<std::string>{"1 put product/a a", "2 put product/b b", "3 put product/a A"});
}

TEST_CASE("list filters by name, enabled, fields and state, sorted by id") {
  House house;
  house.provision();
  Device device(house.port, "d2");
  const auto ids = [&](const char* query) {
    std::string out;
    const Reply reply = house.call("GET", std::string("/v1/devices") + query);
    const json::value items = reply.at("items");
    if (!items.is_array()) return reply.code();
    for (const auto& item : items.as_array()) out += std::string(item.at("id").as_string()) + " ";
    return out;
  };
  REQUIRE(
      house
          .apply(
              R"([{"kind":"product","id":"other","spec":{}},{"kind":"device","id":"a9","name":"Nine","spec":{"productId":"other"}}])")
          .status == 200);
  CHECK(ids("") == "a9 d1 d2 ");
  CHECK(ids("?productId=sensor") == "d1 d2 ");
  CHECK(ids("?state=online") == "d2 ");
  CHECK(ids("?state=notActive") == "a9 ");
  CHECK(ids("?enabled=false") == "a9 ");
  CHECK(ids("?name=N*e") == "a9 ");
  CHECK(ids("?limit=2") == "a9 d1 ");
  CHECK(ids("?limit=two") == "bad_request");
  CHECK(ids("?enabled=yes") == "bad_request");
}

}  // namespace jl::test

// Thirty-two callers at once on a handful of objects: whatever comes of it is consistent (code.md 6).
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"

#include <fmt/format.h>
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

namespace jl::test {
namespace {

constexpr int kClients = 32;
#ifdef __SANITIZE_THREAD__
constexpr int kCalls = 25;
#else
constexpr int kCalls = 60;
#endif

class RandomCaller {
 public:
  RandomCaller(Ctl ctl, unsigned seed) : ctl_(std::move(ctl)), random_(seed) {}

  void step() {
    switch (roll(12)) {
      case 0:
        return call("POST", "/v1/products",
                    fmt::format(R"({{"id":"{}","enabled":{},"spec":{{"accessId":"{}"}}}})", id("p", 4), roll(2) == 0,
                                id("g", 3)));
      case 1:
        return call(
            "POST", "/v1/gateways",
            fmt::format(
                R"({{"id":"{}","spec":{{"provider":"mqtt-server-gateway","channelId":"{}","protocol":"official"}}}})",
                id("g", 3), id("n", 2)));
      case 2:
        return call("POST", "/v1/devices",
                    fmt::format(R"({{"id":"{}","enabled":{},"spec":{{"productId":"{}"}}}})", id("x", 8), roll(2) == 0,
                                id("p", 4)));
      case 3:
        return call("PATCH", "/v1/devices/" + id("x", 8),
                    fmt::format(R"({{"name":"n{}","spec":{{"parentId":{}}}}})", roll(1000),
                                roll(3) ? "\"" + id("x", 8) + "\"" : "null"));
      case 4:
        return call("POST", fmt::format("/v1/{}/{}", any(), roll(2) ? "enable" : "disable"));
      case 5:
      case 6:
        return call("DELETE", "/v1/" + any());
      case 7:
        return call(
            "POST", roll(2) ? "/v1/apply" : "/v1/apply?set=s&prune=true",
            fmt::format(
                R"({{"documents":[{{"kind":"product","id":"{}","name":"n{}","spec":{{}}}},{{"kind":"device","id":"{}","spec":{{"productId":"{}"}}}}]}})",
                id("p", 4), roll(1000), id("x", 8), id("p", 4)));
      case 8:
        return call("GET", roll(2) ? "/v1/devices" : "/v1/products?enabled=true");
      case 9:
        return call("GET", "/v1/" + any() + (roll(2) ? "/impact" : ""));
      case 10:
        return call("POST", fmt::format("/v1/products?requestId=r{}", roll(20)),
                    fmt::format(R"({{"id":"{}","spec":{{}}}})", id("p", 4)));
      default:
        return call("PATCH", "/v1/networks/" + id("n", 2),
                    fmt::format(R"({{"name":"n{}","spec":{{"configuration":{{"maxConnections":{}}}}}}})", roll(1000),
                                1 + roll(1000)));
    }
  }
  std::map<int, int> statuses;

 private:
  int roll(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string id(const char* prefix, int n) { return prefix + std::to_string(roll(n)); }
  std::string any() {
    switch (roll(4)) {
      case 0:
        return "products/" + id("p", 4);
      case 1:
        return "gateways/" + id("g", 3);
      case 2:
        return "networks/" + id("n", 2);
      default:
        return "devices/" + id("x", 8);
    }
  }
  void call(std::string_view method, const std::string& target, const std::string& body = {}) {
    ++statuses[ctl_.call(method, target, body).status];
  }
  Ctl ctl_;
  std::mt19937 random_;
};

void check_references(const House& house) {
  std::map<std::string, std::vector<std::string>> users;
  std::set<std::string> labels;
  const std::pair<const char*, std::vector<std::pair<const char*, const char*>>> kinds[] = {
      {"network", {}},
      {"protocol", {}},
      {"gateway", {{"channelId", "network"}, {"protocol", "protocol"}}},
      {"product", {{"accessId", "gateway"}}},
      {"device", {{"productId", "product"}, {"parentId", "device"}}}};
  for (const auto& [kind, references] : kinds) {
    const json::value items = house.call("GET", fmt::format("/v1/{}s", kind)).at("items");
    for (const auto& item : items.as_array()) {
      const Reply doc{200, item};
      const std::string label = fmt::format("{}/{}", kind, doc.text("id"));
      labels.insert(label);
      for (const auto& [field, target] : references) {
        const std::string to = doc.text(fmt::format("spec.{}", field));
        if (!to.empty()) users[fmt::format("{}/{}", target, to)].push_back(label);
      }
    }
  }
  for (const auto& [label, by] : users) {
    CAPTURE(label);
    CHECK(labels.contains(label));
  }
  // The reverse index says the same.
  for (const auto& label : labels) {
    CAPTURE(label);
    const auto slash = label.find('/');
    const Reply impact =
        house.call("GET", fmt::format("/v1/{}s/{}/impact", label.substr(0, slash), label.substr(slash + 1)));
    std::vector<std::string> wanted = users[label], found;
    const json::value used_by = impact.at("usedBy");
    for (const auto& user : used_by.as_array()) found.emplace_back(user.as_string());
    std::ranges::sort(wanted);
    std::ranges::sort(found);
    CHECK(found == wanted);
  }
}

}  // namespace

TEST_CASE("32 callers change, read and watch the same few objects, and everything stays consistent") {
  House house;
  house.provision();
  REQUIRE(house
              .apply(join_documents(
                  {network_manifest("n0", 1, R"(,"enabled":false)"), network_manifest("n1", 2, R"(,"enabled":false)")}))
              .status == 200);
  const std::int64_t first = house.revision();
  Ctl watch = house.ctl();
  watch.stream("GET", "/v1/watch");

  std::mutex mutex;
  std::map<int, int> statuses;
  std::vector<std::string> failures;
  std::vector<std::thread> threads;
  for (unsigned n = 0; n < kClients; ++n) {
    threads.emplace_back([&, n] {
      try {
        RandomCaller caller(house.ctl(), n);
        for (int i = 0; i < kCalls; ++i) caller.step();
        const std::scoped_lock lock(mutex);
        for (const auto& [status, count] : caller.statuses) statuses[status] += count;
      } catch (const std::exception& e) {
        const std::scoped_lock lock(mutex);
        failures.emplace_back(e.what());
      }
    });
  }
  // Meanwhile devices report.
  std::atomic<bool> done{false};
  std::thread reports([&] {
    while (!done) {
      Device device(house.port, "d1");
      for (int i = 0; i < 5; ++i) device.publish("properties/report", R"({"properties":{"temp":1}})");
      device.leave();
    }
  });
  for (auto& thread : threads) thread.join();
  done = true;
  reports.join();
  CHECK(failures.empty());
  int total = 0;
  for (const auto& [status, count] : statuses) {
    CAPTURE(status);
    CHECK(status >= 200);
    CHECK(status < 500);
    total += count;
  }
  CHECK(total == kClients * kCalls);
  CHECK(statuses[201] > 0);

  // One revision per commit, none missing, none twice.
  const std::int64_t last = house.call("POST", "/v1/products", R"({"id":"last","spec":{}})").number("revision");
  CHECK(last == house.revision());
  std::int64_t seen = first;
  while (seen < last) {
    const Reply event{200, watch.line()};
    REQUIRE_FALSE(event.body.is_null());
    const std::int64_t revision = event.number("revision");
    REQUIRE((revision == seen || revision == seen + 1));
    seen = revision;
  }
  check_references(house);
  house.restart();
  CHECK(house.revision() == last);
  check_references(house);
  CHECK(Device::try_connect(house.port, Login("d1")) == 0);
}

}  // namespace jl::test

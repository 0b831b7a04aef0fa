// Remote upgrade through the whole daemon: MQTT devices, downloads over HTTP, restarts (operations.md 1).
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"
#include "tests/integration/transports_support.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <array>
#include <atomic>
#include <thread>

namespace jl::test {
namespace {

constexpr Millis kSecond = 1000;

/// A daemon with product "sensor", an ota server, and firmware "fw" of 100,000 bytes, version 2.0.0.
struct Works {
  explicit Works(int devices = 2) {
    house.provision();
    std::vector<std::string> documents{
        fmt::format(R"({{"kind":"network","id":"oh","enabled":true,"spec":{{"type":"HTTP_SERVER","configuration":
                    {{"host":"127.0.0.1","port":{}}}}}}})",
                    http),
        fmt::format(R"({{"kind":"ota-server","id":"main","enabled":true,"spec":{{"networkId":"oh",
                    "publicUrl":"http://127.0.0.1:{}","tokenGrace":0}}}})",
                    http)};
    for (int i = 3; i <= devices; ++i) documents.push_back(device_manifest(fmt::format("d{}", i), "sensor"));
    const Reply done = house.apply(join_documents(documents));
    REQUIRE_MESSAGE(done.status == 200, json::serialize(done.body));
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<char>(i * 7 + i / 251);
    const Reply up = house.ctl().call("POST", "/v1/files?purpose=firmware", image, kBytesHeader);
    REQUIRE(up.status == 201);
    const Reply made = house.call("POST", "/v1/ota-firmwares",
                                  fmt::format(R"({{"id":"fw","spec":{{"productId":"sensor","version":"2.0.0",
                                  "versionOrder":20,"sign":"auto","fileId":"{}","fileName":"fw.bin"}}}})",
                                              up.text("fileId")));
    REQUIRE_MESSAGE(made.status == 201, json::serialize(made.body));
  }

  void make_task(const std::string& more = {}) const {
    const Reply made =
        house.call("POST", "/v1/ota-tasks", fmt::format(R"({{"id":"roll","spec":{{"firmwareId":"fw"{}}}}})", more));
    REQUIRE_MESSAGE(made.status == 201, json::serialize(made.body));
  }
  [[nodiscard]] std::int64_t count(const std::string& state) const {
    return house.call("GET", "/v1/ota-tasks/roll").number("status." + state);
  }
  [[nodiscard]] bool becomes(const std::string& state, std::int64_t wanted) const {
    return eventually([&] { return house.app->tick(), count(state) == wanted; });
  }
  [[nodiscard]] json::value record(const std::string& device) const {
    return house.call("GET", "/v1/ota-tasks/roll/devices?history=true&device=" + device).at("items.0");
  }
  [[nodiscard]] std::string reason(const std::string& device) const {
    const auto shown = record(device);
    const auto* text = shown.as_object().if_contains("errorReason");
    return text ? std::string(text->as_string()) : std::string();
  }
  /// The answer to a GET of an address, head and body.
  [[nodiscard]] std::string fetch(std::string url, const std::string& more = {}) const {
    url = url.substr(url.find('/', std::string("http://").size()));
    TcpClient client(http);
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}\r\n", url, more));
    std::string out;
    std::array<char, 16384> piece{};
    for (;;) {
      const ssize_t got = ::recv(client.fd(), piece.data(), piece.size(), 0);
      if (got <= 0) return out;
      out.append(piece.data(), static_cast<std::size_t>(got));
    }
  }

  House house;
  const std::uint16_t http = free_port();
  std::string image = std::string(100'000, '\0');
};

std::string url_of(const Down& told) { return std::string(told.payload.at("url").as_string()); }
std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

std::string progress(int percent, bool complete, bool success) {
  return fmt::format(R"({{"firmwareId":"fw","version":"2.0.0","progress":{},"complete":{},"success":{}}})", percent,
                     complete, success);
}

}  // namespace

TEST_CASE("who is there is told and upgraded, who is not waits and is told when it comes, after a restart too [1.3]") {
  Works works;
  Device d1(works.house.port, "d1");
  works.make_task();
  const Down told = d1.receive();
  CHECK(told.topic == "/sensor/d1/firmware/upgrade");
  CHECK(told.payload.at("version") == "2.0.0");
  CHECK(told.payload.at("size") == 100'000);
  CHECK(told.payload.at("signMethod") == "sha256");
  CHECK(works.becomes("processing", 1));
  CHECK(works.count("waiting") == 1);
  d1.reply(told, R"("success":true)");
  CHECK(body_of(works.fetch(url_of(told))) == works.image);
  CHECK(d1.publish("firmware/upgrade/progress", progress(40, false, false)) == 0);
  CHECK(works.record("d1").at("progress") == 40);
  CHECK(d1.publish("firmware/upgrade/progress", progress(100, true, true)) == 0);
  CHECK(works.count("success") == 1);
  CHECK(works.record("d1").at("bytesServed") == 100'000);
  CHECK(works.house.call("GET", "/v1/devices/d1").text("status.firmware.version") == "2.0.0");

  works.house.restart();
  CHECK(works.count("success") == 1);
  CHECK(works.count("waiting") == 1);
  Device d2(works.house.port, "d2");
  const Down later = d2.receive();
  // It restarts without a word and has the version afterwards.
  d2.vanish();
  Device back(works.house.port, "d2");
  CHECK(back.publish("firmware/report", R"({"version":"2.0.0","properties":{"slot":"B"}})") == 0);
  CHECK(works.count("success") == 2);
  CHECK(works.house.call("GET", "/v1/ota-tasks/roll").text("status.state") == "success");
  CHECK(works.house.call("GET", "/v1/devices/d2").text("status.firmware.properties.slot") == "B");
}

TEST_CASE("a device that says nothing fails at its time limit, and a late success counts [1.3, rows 6 and 16]") {
  Works works;
  Device d1(works.house.port, "d1");
  works.make_task(R"(,"deviceId":["d1"])");
  const Down told = d1.receive();
  REQUIRE(works.becomes("processing", 1));
  works.house.clock.advance(61 * kSecond);
  CHECK(works.becomes("failed", 1));
  CHECK(works.reason("d1") == "response timeout");
  CHECK(d1.publish("firmware/upgrade/progress", progress(100, true, true)) == 0);
  CHECK(works.count("success") == 1);
  CHECK(works.record("d1").at("note") == "late");
}

TEST_CASE("a download is a sign of life of a device that says nothing, and tells how far it is [1.3, row 6]") {
  Works works;
  Device d1(works.house.port, "d1");
  works.make_task(R"(,"deviceId":["d1"],"timeoutSeconds":100)");
  const Down told = d1.receive();
  const std::string part = works.fetch(url_of(told), "Range: bytes=0-49999\r\n");
  CHECK(part.starts_with("HTTP/1.1 206"));
  CHECK(eventually([&] { return works.record("d1").as_object().contains("bytesServed"); }));
  works.house.clock.advance(61 * kSecond);
  works.house.app->tick();
  CHECK(works.count("processing") == 1);
  CHECK(works.record("d1").at("progress") == 50);
  works.house.clock.advance(40 * kSecond);
  CHECK(works.becomes("failed", 1));
  CHECK(works.reason("d1") == "upgrade timeout (last progress 50%)");
}

TEST_CASE("who was told before the daemon ended and gave no sign is told again, with the same id [1.3, row 18]") {
  Works works;
  std::string id;
  {
    Device d1(works.house.port, "d1");
    works.make_task(R"(,"deviceId":["d1"])");
    id = std::string(d1.receive().payload.at("messageId").as_string());
  }
  works.house.restart();
  Device d1(works.house.port, "d1");
  // It is asked what it has, too: it may be through with it.
  Down again = d1.receive();
  while (again.topic != "/sensor/d1/firmware/upgrade") again = d1.receive();
  CHECK(again.payload.at("messageId") == json::string(id));
  CHECK(works.record("d1").at("attempt") == 1);
  d1.reply(again, R"("success":true)");
  CHECK(eventually([&] { return works.record("d1").as_object().contains("ackTime"); }));
}

TEST_CASE("what became of devices just before the daemon was killed is made up for when it starts [1.3]") {
  Works works(4);
  works.make_task(R"(,"lateJoiners":true)");
  CHECK(works.count("waiting") == 4);
  // As the store is when the daemon ends after a change of devices, and before upgrades heard of it.
  works.house.stop();
  {
    auto store = store::open({works.house.config.state_dir});
    REQUIRE(store.has_value());
    const auto key_of = [](const char* id) { return store::key({"device", id}); };
    const auto snapshot = (*store)->snapshot();
    const auto d3 = snapshot->get(store::Family::resources, key_of("d3"));
    REQUIRE(d3.has_value());
    REQUIRE(d3->has_value());
    store::Transaction transaction;
    transaction.put(store::Family::resources, key_of("d5"), (*d3)->value);
    auto disabled = json::parse((*d3)->value);
    disabled.as_object()["enabled"] = false;
    transaction.put(store::Family::resources, key_of("d3"), json::serialize(disabled));
    transaction.erase(store::Family::resources, key_of("d4"));
    REQUIRE((*store)->commit(transaction).has_value());
  }
  works.house.start();
  CHECK(works.count("waiting") == 3);
  CHECK(works.count("canceled") == 2);
  CHECK(works.reason("d3") == "device disabled");
  CHECK(works.reason("d4") == "device removed");
  CHECK(works.record("d5").at("state") == "waiting");
  works.house.restart();
  CHECK(works.count("waiting") == 3);
}

TEST_CASE("addresses end with their device's time limit, with the task's stop, and are nobody else's [1.1]") {
  Works works;
  Device d1(works.house.port, "d1");
  works.make_task(R"(,"deviceId":["d1"],"timeoutSeconds":100)");
  const std::string url = url_of(d1.receive());
  CHECK(works.fetch(url).starts_with("HTTP/1.1 200"));
  std::string changed = url;
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  CHECK(works.fetch(changed).starts_with("HTTP/1.1 403"));
  CHECK(works.fetch(url.substr(0, url.find('?'))).starts_with("HTTP/1.1 403"));
  CHECK(works.fetch("http://x/ota/v1/other/fw.bin" + url.substr(url.find('?'))).starts_with("HTTP/1.1 403"));
  works.house.clock.advance(101 * kSecond);
  CHECK(works.fetch(url).starts_with("HTTP/1.1 403"));
}

TEST_CASE("stop, resume and retry mean what operations.md 1.3 says, and nothing where there is nothing") {
  Works works;
  Device d1(works.house.port, "d1");
  works.make_task();
  const Down told = d1.receive();
  const auto post = [&](const std::string& verb) {
    return works.house.call("POST", "/v1/ota-tasks/roll/" + verb, "{}");
  };
  CHECK(post("resume").code() == "conflict");
  CHECK(post("retry").code() == "conflict");
  CHECK(post("stop").number("devices") == 1);
  CHECK(works.count("processing") == 1);
  CHECK(works.count("canceled") == 1);
  CHECK(post("stop").code() == "conflict");
  d1.reply(told, R"("success":false,"message":"battery low")");
  CHECK(works.becomes("failed", 1));
  CHECK(works.reason("d1") == "battery low");
  CHECK(post("retry").number("devices") == 1);
  CHECK(d1.receive().payload.at("messageId") != told.payload.at("messageId"));
  CHECK(works.record("d1").at("attempt") == 2);
  CHECK(works.house.call("DELETE", "/v1/ota-tasks/roll").code() == "in_use");
  CHECK(post("resume").number("devices") == 1);
  CHECK(works.count("waiting") == 1);
}

TEST_CASE("a device that asks is given what waits for it, and told when there is nothing [1.4]") {
  Works works;
  works.make_task(R"(,"mode":"pull")");
  Device d1(works.house.port, "d1");
  CHECK(d1.publish("firmware/pull", R"({"messageId":"q1","currentVersion":"1.0.0"})") == 0);
  const Down given = d1.receive();
  CHECK(given.topic == "/sensor/d1/firmware/pull/reply");
  CHECK(given.payload.at("messageId") == "q1");
  CHECK(given.payload.at("success") == true);
  CHECK(body_of(works.fetch(url_of(given))) == works.image);
  CHECK(d1.publish("firmware/upgrade/progress", progress(100, true, true)) == 0);
  CHECK(works.count("success") == 1);
  CHECK(d1.publish("firmware/pull", R"({"messageId":"q2","currentVersion":"2.0.0"})") == 0);
  const Down nothing = d1.receive();
  CHECK(nothing.payload.at("success") == false);
  CHECK(nothing.payload.at("code") == "NO_UPDATE");
  CHECK(works.house.call("POST", "/v1/ota-tasks/roll/retry", "{}").code() == "unsupported");
}

TEST_CASE("devices that come, talk, download and go while operators look on and interfere leave counts that add up") {
  constexpr int kDevices = 12;
  Works works(kDevices);
  works.make_task(R"(,"maxInFlight":4,"autoRetry":3,"retryBackoffSeconds":1)");
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 1 + t; i <= kDevices; i += 3) {
        Device device(works.house.port, fmt::format("d{}", i));
        const Down told = device.receive();
        device.reply(told, i % 4 == 0 ? R"("success":false,"message":"later")" : R"("success":true)");
        if (i % 4 == 0) continue;
        (void)works.fetch(url_of(told), i % 2 == 0 ? "Range: bytes=5-\r\n" : "");
        (void)device.publish("firmware/upgrade/progress", progress(50, false, false));
        (void)device.publish("firmware/upgrade/progress", progress(100, true, true));
      }
    });
  }
  threads.emplace_back([&] {
    while (!done) {
      works.house.app->tick();
      const Reply shown = works.house.call("GET", "/v1/ota-tasks/roll");
      std::int64_t sum = 0;
      for (const char* state : {"waiting", "processing", "success", "failed", "canceled"})
        sum += shown.number(std::string("status.") + state);
      if (sum != kDevices) FAIL_CHECK("counts do not add up: ", sum);
      (void)works.house.call("GET", "/v1/ota-tasks/roll/devices");
    }
  });
  CHECK(eventually([&] { return works.count("success") == 9; }));
  done = true;
  for (auto& thread : threads) thread.join();
  CHECK(works.count("waiting") + works.count("processing") == 3);
}

}  // namespace jl::test

#include "tests/unit/daemon/logs/log_support.hpp"

#include <atomic>
#include <set>
#include <thread>

using namespace jl;
using namespace jl::test;
namespace json = boost::json;

TEST_SUITE_BEGIN("logs.store");

TEST_CASE("records are read newest first with id and time, each class for itself") {
  LogBench bench;
  bench.access("first");
  bench.clock.advance(10);
  bench.access("second");
  bench.system("WARN", "watch out");
  bench.logs.flush();
  CHECK(values(bench.logs, query(LogClass::access), "action") == std::vector<std::string>{"second", "first"});
  CHECK(values(bench.logs, query(LogClass::system), "message") == std::vector<std::string>{"watch out"});
  const auto records = bench.logs.read(query(LogClass::access));
  REQUIRE(records.has_value());
  CHECK(records->front().at("time").as_string() == format_time(bench.clock.now()));
  CHECK(records->front().at("id").as_string() > records->back().at("id").as_string());
}

TEST_CASE("records of one millisecond keep their order, also across a restart") {
  FakeStore store;
  const ManualClock clock;
  for (const int first : {0, 3}) {
    LogStore logs(store, clock);
    for (int i = first; i < first + 3; ++i) logs.append(LogClass::access, {{"action", std::to_string(i)}});
  }
  const LogStore logs(store, clock);
  CHECK(values(logs, query(LogClass::access), "action") == std::vector<std::string>{"5", "4", "3", "2", "1", "0"});
}

TEST_CASE("limits and time ranges are kept; pages of a closed range stay the same while records arrive") {
  LogBench bench;
  const Millis start = bench.clock.now();
  for (int i = 0; i < 50; ++i) bench.access(std::to_string(i)), bench.clock.advance(10);
  bench.logs.flush();
  auto page = query(LogClass::access);
  page.since = start + 100;
  page.until = start + 200;
  page.limit = 5;
  const auto before = values(bench.logs, page, "action");
  CHECK(before == std::vector<std::string>{"19", "18", "17", "16", "15"});
  for (int i = 50; i < 100; ++i) bench.access(std::to_string(i));
  bench.logs.flush();
  CHECK(values(bench.logs, page, "action") == before);
  page.until = start + 150;
  CHECK(values(bench.logs, page, "action") == std::vector<std::string>{"14", "13", "12", "11", "10"});
}

TEST_CASE("what the full queue cannot take is counted, and the caller goes on [operations 4.4]") {
  FakeStore inner;
  GatedStore store(inner);
  const ManualClock clock;
  LogStore logs(store, clock, 4);
  store.close();
  logs.append(LogClass::access, {{"action", "held"}});
  store.await_waiting();
  for (int i = 0; i < 6; ++i) logs.append(LogClass::access, {{"action", std::to_string(i)}});
  logs.append(LogClass::system, {{"level", "WARN"}});
  store.open();
  logs.flush();
  CHECK(logs.stats(LogClass::access).dropped == 2);
  CHECK(logs.stats(LogClass::system).dropped == 1);
  CHECK(logs.stats(LogClass::access).records == 5);
  CHECK(values(logs, query(LogClass::access), "action") == std::vector<std::string>{"3", "2", "1", "0", "held"});
}

TEST_CASE("a failing store counts as dropped, does not stop the log, and does not log into itself [operations 4.4]") {
  LogBench bench;
  const auto sink = logs::store_system_log(bench.logs, log::Level::warn);
  bench.store.fail_appends(true);
  bench.access("lost");
  bench.logs.flush();
  CHECK(bench.logs.stats(LogClass::access).dropped == 1);
  bench.store.fail_appends(false);
  bench.access("kept");
  bench.logs.flush();
  CHECK(values(bench.logs, query(LogClass::access), "action") == std::vector<std::string>{"kept"});
  CHECK(values(bench.logs, query(LogClass::system), "message").empty());
}

TEST_CASE("followers see later records that their query lets through, in order, until the handle goes") {
  LogBench bench;
  std::vector<std::string> seen;
  auto wanted = query(LogClass::access);
  wanted.user = "bob";
  bench.access("early", {{"user", "bob"}});
  bench.logs.flush();
  auto handle = bench.logs.follow(wanted, [&](const json::object& record) {
    CHECK(record.contains("id"));
    CHECK(record.contains("time"));
    seen.emplace_back(record.at("action").as_string());
  });
  bench.access("one", {{"user", "bob"}});
  bench.access("other", {{"user", "eve"}});
  bench.access("two", {{"user", "bob"}});
  bench.system("WARN", "bob");
  bench.logs.flush();
  handle.reset();
  bench.access("late", {{"user", "bob"}});
  bench.logs.flush();
  CHECK(seen == std::vector<std::string>{"one", "two"});
}

TEST_CASE("following and then reading misses nothing, whatever is purged meanwhile [operations 4.4]") {
  LogBench bench;
  std::set<std::string> ids;
  std::mutex mutex;
  std::atomic<bool> writing{true};
  std::thread purger([&] {
    while (writing) CHECK(bench.logs.purge(LogClass::access, bench.clock.now() + 1).has_value());
  });
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i) bench.access(std::to_string(i));
    writing = false;
  });
  const auto handle = bench.logs.follow(query(LogClass::access), [&](const json::object& record) {
    const std::lock_guard lock(mutex);
    ids.emplace(record.at("action").as_string());
  });
  writer.join();
  purger.join();
  bench.logs.flush();
  // Records from before the handle are not promised; from the first one seen there is no gap.
  std::set<int> numbers;
  for (const auto& id : ids) numbers.insert(std::stoi(id));
  REQUIRE_FALSE(numbers.empty());
  CHECK(*numbers.rbegin() == 1999);
  CHECK(numbers.size() == static_cast<std::size_t>(2000 - *numbers.begin()));
}

TEST_CASE("a follower may give up its handle inside the callback, and one that throws is not called again") {
  LogBench bench;
  int calls = 0, throws = 0;
  std::shared_ptr<void> own;
  own = bench.logs.follow(query(LogClass::access), [&](const json::object&) { ++calls, own.reset(); });
  const auto bad = bench.logs.follow(query(LogClass::access), [&](const json::object&) {
    ++throws;
    throw std::runtime_error("no");
  });
  bench.access("a");
  bench.access("b");
  bench.logs.flush();
  CHECK(calls == 1);
  CHECK(throws == 1);
}

TEST_CASE("a handle may outlive the log store") {
  std::shared_ptr<void> handle;
  {
    LogBench bench;
    handle = bench.logs.follow(query(LogClass::access), [](const json::object&) {});
  }
  handle.reset();
  CHECK(handle == nullptr);
}

TEST_CASE("no secret of a call reaches the store [operations 4.1]") {
  LogBench bench;
  const std::string canary = "c4n4ry-0xdeadbeef";
  json::object body{{"id", "net-1"},
                    {"spec", {{"password", canary}, {"tls", {{"privateKey", canary}}}, {"token", canary}}},
                    {"list", json::array{json::object{{"secureKey", canary}}}}};
  bench.access("network add", {{"parameters", body}});
  bench.logs.flush();
  std::string all;
  const auto scan = [&](std::string_view key, std::string_view value, store::Revision) {
    all.append(key).append(value);
    return true;
  };
  REQUIRE(bench.store.snapshot()->scan(store::Family::logs, {}, {}, false, scan).has_value());
  CHECK(all.find("net-1") != std::string::npos);
  CHECK(all.find(canary) == std::string::npos);
}

TEST_CASE("hostile bytes in a system record are stored as text that can be read back") {
  LogBench bench;
  const auto sink = logs::store_system_log(bench.logs, log::Level::warn);
  log::warn("test.bytes", "{}", "bad \xFF\xFE bytes\n");
  bench.logs.flush();
  const auto messages = values(bench.logs, query(LogClass::system), "message");
  REQUIRE(messages.size() == 1);
  CHECK(messages[0] == "bad \xEF\xBF\xBD\xEF\xBF\xBD bytes\n");
}

TEST_CASE("the system log stores its level and above, and nothing after its handle has gone") {
  LogBench bench;
  auto sink = logs::store_system_log(bench.logs, log::Level::warn);
  log::info("test", "not stored");
  log::warn("test", "stored {}", 1);
  log::error("test", "stored 2");
  sink.reset();
  log::error("test", "too late");
  bench.logs.flush();
  CHECK(values(bench.logs, query(LogClass::system), "message") == std::vector<std::string>{"stored 2", "stored 1"});
  CHECK(values(bench.logs, query(LogClass::system), "level") == std::vector<std::string>{"ERROR", "WARN"});
}

TEST_CASE("many writers, followers and purges at once lose no count") {
  LogBench bench;
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> followed{0};
  const auto handle = bench.logs.follow(query(LogClass::system), [&](const json::object&) { ++followed; });
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&bench] {
      for (int i = 0; i < 500; ++i) bench.system("INFO", "m");
    });
  }
  threads.emplace_back([&bench] {
    for (int i = 0; i < 20; ++i) {
      auto short_life = bench.logs.follow(query(LogClass::system), [](const json::object&) {});
      CHECK(bench.logs.read(query(LogClass::system)).has_value());
    }
  });
  for (auto& thread : threads) thread.join();
  bench.logs.flush();
  CHECK(followed + bench.logs.stats(LogClass::system).dropped == 2000);
  CHECK(bench.logs.stats(LogClass::system).records == followed);
}

TEST_SUITE_END();

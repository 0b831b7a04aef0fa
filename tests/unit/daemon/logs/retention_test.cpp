#include "daemon/logs/retention.hpp"
#include "daemon/logs/ledger.hpp"
#include "tests/unit/daemon/logs/log_support.hpp"

#include <map>

using namespace jl;
using namespace jl::test;
namespace json = boost::json;

namespace {

void put_message(store::Store& store, std::string_view device, Millis time, std::uint64_t seq) {
  std::string key(device);
  key.push_back('\0');
  store::append_u64(key, static_cast<std::uint64_t>(time));
  store::append_u64(key, seq);
  const auto batch = store.make_batch();
  batch->put(store::Family::messages, key, "{}");
  REQUIRE(store.append(*batch).has_value());
}

// Times of the messages that are left, by device.
std::map<std::string, std::vector<Millis>> messages(const store::Store& store) {
  std::map<std::string, std::vector<Millis>> out;
  const auto visit = [&](std::string_view key, std::string_view, store::Revision) {
    const std::string device(store::key_part(key, 0));
    out[device].push_back(static_cast<Millis>(store::read_u64(key.substr(device.size() + 1))));
    return true;
  };
  REQUIRE(store.snapshot()->scan(store::Family::messages, {}, {}, false, visit).has_value());
  return out;
}

// Bytes and records by looking at every one.
std::pair<std::uint64_t, std::uint64_t> counted(const store::Store& store, LogClass log) {
  std::pair<std::uint64_t, std::uint64_t> out;
  const auto visit = [&](std::string_view key, std::string_view value, store::Revision) {
    ++out.first;
    out.second += key.size() + value.size();
    return true;
  };
  REQUIRE(store.snapshot()
              ->scan(store::Family::logs, logs::class_begin(log), logs::class_end(log), false, visit)
              .has_value());
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("logs.retention");

TEST_CASE("purging erases what is older, of that class only, and the counters follow") {
  LogBench bench;
  for (int i = 0; i < 5000; ++i) bench.access("old"), bench.system("WARN", "old"), bench.logs.flush();
  bench.clock.advance(1000);
  for (int i = 0; i < 7; ++i) bench.access("new");
  bench.logs.flush();
  REQUIRE(bench.logs.purge(LogClass::access, bench.clock.now()).has_value());
  const auto stats = bench.logs.stats(LogClass::access);
  CHECK(stats.records == 7);
  CHECK(stats.oldest == bench.clock.now());
  CHECK(std::pair(stats.records, stats.bytes) == counted(bench.store, LogClass::access));
  CHECK(bench.logs.stats(LogClass::system).records == 5000);
}

TEST_CASE("a purge that finds nothing erases nothing") {
  FakeStore inner;
  GatedStore store(inner);
  const ManualClock clock;
  LogStore logs(store, clock);
  logs.append(LogClass::access, {{"action", "kept"}});
  logs.flush();
  REQUIRE(logs.purge(LogClass::access, clock.now()).has_value());
  CHECK(store.erasures == 0);
  CHECK(logs.stats(LogClass::access).records == 1);
}

TEST_CASE("retention by age and by size keeps the newest [operations 4.4]") {
  LogBench bench;
  for (int i = 0; i < 100; ++i) bench.access(std::to_string(i)), bench.clock.advance(1000);
  bench.logs.flush();
  SUBCASE("age") {
    REQUIRE(bench.logs.retain(LogClass::access, {30'000, 0}).has_value());
    CHECK(bench.logs.stats(LogClass::access).records == 30);
  }
  SUBCASE("size") {
    const auto bytes = bench.logs.stats(LogClass::access).bytes;
    REQUIRE(bench.logs.retain(LogClass::access, {0, bytes / 2}).has_value());
    const auto stats = bench.logs.stats(LogClass::access);
    CHECK(stats.bytes <= bytes / 2);
    CHECK(stats.bytes > bytes / 2 - 100);
    CHECK(std::pair(stats.records, stats.bytes) == counted(bench.store, LogClass::access));
    CHECK(values(bench.logs, query(LogClass::access), "action").front() == "99");
  }
  SUBCASE("no limit") {
    REQUIRE(bench.logs.retain(LogClass::access, {0, 0}).has_value());
    CHECK(bench.logs.stats(LogClass::access).records == 100);
  }
}

TEST_CASE("what an earlier run wrote is counted before size decides") {
  FakeStore store;
  const ManualClock clock;
  {
    LogStore logs(store, clock);
    for (int i = 0; i < 6000; ++i)
      logs.append(LogClass::access, {{"action", "x"}}), i % 1000 == 0 ? logs.flush() : void();
  }
  const auto [records, bytes] = counted(store, LogClass::access);
  REQUIRE(records == 6000);
  LogStore logs(store, clock);
  REQUIRE(logs.retain(LogClass::access, {0, bytes / 3}).has_value());
  const auto stats = logs.stats(LogClass::access);
  CHECK(stats.records <= 2000);
  CHECK(stats.records >= 1999);
  CHECK(std::pair(stats.records, stats.bytes) == counted(store, LogClass::access));
}

TEST_CASE("appends and erasures while counting keep the count right") {
  FakeStore store;
  {
    logs::Ledger ledger(store);
    std::vector<logs::Ledger::Row> rows;
    for (unsigned i = 0; i < 5000; ++i)
      rows.push_back({LogClass::access, logs::record_key(LogClass::access, {10, i}), "v"});
    REQUIRE(ledger.append(rows).has_value());
  }
  logs::Ledger ledger(store);
  CHECK(ledger.first_free_seq() == 5000);
  REQUIRE(ledger.count_some(LogClass::access).has_value());
  // One behind and one ahead of what is counted.
  const std::vector<logs::Ledger::Row> more{{LogClass::access, logs::record_key(LogClass::access, {9, 5000}), "v"},
                                            {LogClass::access, logs::record_key(LogClass::access, {11, 5001}), "v"}};
  REQUIRE(ledger.append(more).has_value());
  REQUIRE(ledger.erase_before(LogClass::access, 10).has_value());
  bool complete = false;
  while (!complete) {
    const auto step = ledger.count_some(LogClass::access);
    REQUIRE(step.has_value());
    complete = *step;
  }
  const auto stats = ledger.stats(LogClass::access);
  CHECK(stats.records == 5001);
  CHECK(std::pair(stats.records, stats.bytes) == counted(store, LogClass::access));
}

TEST_CASE("device messages beyond their age go, device by device") {
  FakeStore store;
  for (const auto* device : {"dev-1", "dev-10", "dev-2"}) {
    for (Millis t = 1; t <= 5; ++t) put_message(store, device, t * 1000, 0);
  }
  put_message(store, "quiet", 100, 0);
  REQUIRE(logs::retain_messages(store, 6000, 3000, 0).has_value());
  const std::vector<Millis> kept{3000, 4000, 5000};
  CHECK(messages(store) ==
        std::map<std::string, std::vector<Millis>>{{"dev-1", kept}, {"dev-10", kept}, {"dev-2", kept}});
}

TEST_CASE("of each device the newest messages are kept up to their count") {
  FakeStore store;
  for (std::uint64_t seq = 0; seq < 4; ++seq) put_message(store, "burst", 5000, seq);
  for (Millis t = 1; t <= 3; ++t) put_message(store, "few", t, 0);
  put_message(store, "one", 1, 0);
  REQUIRE(logs::retain_messages(store, 9000, 0, 2).has_value());
  CHECK(messages(store) ==
        std::map<std::string, std::vector<Millis>>{{"burst", {5000, 5000}}, {"few", {2, 3}}, {"one", {1}}});
}

TEST_CASE("age touches no device that has nothing old") {
  FakeStore inner;
  GatedStore store(inner);
  put_message(store, "fresh", 5000, 0);
  put_message(store, "stale", 100, 0);
  REQUIRE(logs::retain_messages(store, 6000, 3000, 10).has_value());
  CHECK(store.erasures == 1);
}

TEST_CASE("a stop request ends the walk, and a key without a time is walked over") {
  FakeStore store;
  const auto batch = store.make_batch();
  batch->put(store::Family::messages, "odd", "{}");
  REQUIRE(store.append(*batch).has_value());
  put_message(store, "stale", 100, 0);
  std::stop_source stop;
  stop.request_stop();
  REQUIRE(logs::retain_messages(store, 6000, 3000, 0, stop.get_token()).has_value());
  CHECK(store.approximate_size(store::Family::messages) > 20);
  REQUIRE(logs::retain_messages(store, 6000, 3000, 0).has_value());
  CHECK(store.approximate_size(store::Family::messages) == std::string_view("odd{}").size());
}

TEST_CASE("the job applies its plan when asked and reports the store's failure") {
  LogBench bench;
  bench.access("old");
  bench.system("WARN", "old");
  bench.logs.flush();
  put_message(bench.store, "dev-1", bench.clock.now(), 0);
  bench.clock.advance(10'000);
  logs::RetentionPlan plan;
  plan.access.max_age = plan.system.max_age = plan.message_age = 5000;
  logs::RetentionJob job(bench.store, bench.logs, bench.clock, plan);
  bench.store.fail_appends(true);
  const auto failed = job.run_once();
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code == Errc::storage);
  bench.store.fail_appends(false);
  REQUIRE(job.run_once().has_value());
  CHECK(bench.logs.stats(LogClass::access).records == 0);
  CHECK(bench.logs.stats(LogClass::system).records == 0);
  CHECK(messages(bench.store).empty());
}

TEST_CASE("latest values beyond the limit of a device go, the oldest first; its tags, state and neighbours stay") {
  FakeStore store;
  const auto put_value = [&](std::string_view device, std::string_view what, std::string_view name,
                             std::uint64_t time) {
    std::string value;
    store::append_u64(value, time);
    const auto batch = store.make_batch();
    batch->put(store::Family::devices, store::key({"prod", device, what, name}), value + "1");
    REQUIRE(store.append(*batch).has_value());
  };
  for (std::uint64_t i = 0; i < 10; ++i) put_value("dev-1", "p", "name-" + std::to_string(i), 100 - i);
  for (const char* tag : {"a", "b", "c"}) put_value("dev-1", "t", tag, 1);
  put_value("dev-10", "p", "temp", 1);
  const auto batch = store.make_batch();
  batch->put(store::Family::devices, std::string("prod\0dev-1\0s", 12), "{}");
  REQUIRE(store.append(*batch).has_value());

  REQUIRE(logs::retain_values(store, 3).has_value());
  std::vector<std::string> left;
  REQUIRE(store.snapshot()
              ->scan(store::Family::devices, {}, {}, false,
                     [&](std::string_view key, std::string_view, store::Revision) {
                       left.emplace_back(std::string(store::key_part(key, 1)) + " " +
                                         std::string(store::key_part(key, 2)) + " " +
                                         std::string(store::key_part(key, 3)));
                       return true;
                     })
              .has_value());
  CHECK(left == std::vector<std::string>{"dev-1 p name-0", "dev-1 p name-1", "dev-1 p name-2", "dev-1 s ", "dev-1 t a",
                                         "dev-1 t b", "dev-1 t c", "dev-10 p temp"});
}

TEST_CASE("the job runs by itself every interval and stops promptly") {
  FakeStore inner;
  GatedStore store(inner);
  const ManualClock clock(1'000'000);
  LogStore logs(store, clock);
  put_message(inner, "dev-1", 1, 0);
  logs::RetentionPlan plan;
  plan.message_age = 1000;
  logs::RetentionJob job(store, logs, clock, plan, std::chrono::milliseconds(1));
  while (store.erasures == 0) std::this_thread::yield();
  job.stop();
  job.stop();
  CHECK(messages(inner).empty());
  logs::RetentionJob idle(store, logs, clock, plan);  // its destructor must not wait for the hour
}

TEST_SUITE_END();

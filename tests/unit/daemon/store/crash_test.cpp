// What is answered survives; what is not is wholly there or wholly absent (architecture.md 3, 5).
#include "daemon/store/store.hpp"
#include "tests/unit/daemon/store/child.hpp"
#include "tests/unit/daemon/store/store_words.hpp"
#include "tests/unit/daemon/store/temp_folder.hpp"

#include <sys/resource.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

using namespace jl;
using namespace jl::test;
namespace fs = std::filesystem;

namespace {
std::string number_key(std::uint64_t number, std::string_view more = {}) {
  std::string out = "n/";
  store::append_u64(out, number);
  return out + std::string(more);
}

std::string value_of(std::uint64_t number) { return std::to_string(number) + std::string(number * 37 % 1500, 'v'); }

// Commit `number`: a resource with its reference and its progress; every third takes the one before away again.
Transaction transaction_of(std::uint64_t number) {
  Transaction out;
  out.expect(number_key(number), 0);
  out.put(Family::resources, number_key(number), value_of(number));
  out.put(Family::references, number_key(number), "");
  out.put(Family::upgrades, "last", std::to_string(number));
  if (number % 3 == 0) {
    out.erase(Family::resources, number_key(number - 1));
    out.erase_range(Family::references, number_key(number - 1), number_key(number));
  }
  return out;
}

// Whether the store holds exactly the first revision() commits.
void check_commits(const Store& store) {
  const auto snapshot = store.snapshot();
  std::map<std::string, std::string> want;
  std::set<std::string> want_references;
  for (std::uint64_t n = 1; n <= snapshot->revision(); ++n) {
    if (n % 3 == 2 && n < snapshot->revision()) continue;
    want[number_key(n)] = value_of(n) + "@" + std::to_string(n);
    want_references.insert(number_key(n));
  }
  std::map<std::string, std::string> got;
  REQUIRE(snapshot
              ->scan(Family::resources, "", "", false,
                     [&](auto key, auto value, Revision revision) {
                       got[std::string(key)] = std::string(value) + "@" + std::to_string(revision);
                       return true;
                     })
              .has_value());
  CHECK(got == want);
  const auto references = keys(*snapshot, Family::references);
  CHECK(std::set<std::string>(references.begin(), references.end()) == want_references);
  if (snapshot->revision() > 0) {
    CHECK(show(snapshot->get(Family::upgrades, "last")) == std::to_string(snapshot->revision()) + "@0");
  }
}

std::uint64_t last_append(const Store& store) {
  const auto last = store.get(Family::devices, "last");
  REQUIRE(last.has_value());
  return *last ? store::read_u64((*last)->value) : 0;
}

void check_appends(const Store& store) {
  std::vector<std::string> want;
  for (std::uint64_t n = 1; n <= last_append(store); ++n) {
    for (const auto* part : {"a", "b", "c"}) want.push_back(number_key(n, part));
  }
  CHECK(keys(*store.snapshot(), Family::messages) == want);
}

// Changes the newest write-ahead log of a folder.
void edit_log(const std::string& folder, const std::function<void(std::string&)>& edit) {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".log" && entry.path() > newest) newest = entry.path();
  }
  REQUIRE_FALSE(newest.empty());
  std::ifstream in(newest, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  in.close();
  edit(text);
  std::ofstream(newest, std::ios::binary | std::ios::trunc) << text;
}
}  // namespace

TEST_SUITE("store.crash") {
  TEST_CASE("child: a storm of commits and appends" * doctest::skip()) {
    auto opened = store::open({Child::folder()});
    REQUIRE(opened.has_value());
    Store& store = **opened;
    std::thread appender([&] {
      const auto batch = store.make_batch();
      for (auto n = last_append(store) + 1;; ++n) {
        batch->clear();
        for (const auto* part : {"a", "b", "c"}) batch->put(Family::messages, number_key(n, part), value_of(n));
        std::string last;
        store::append_u64(last, n);
        batch->put(Family::devices, "last", last);
        if (!store.append(*batch)) ::_exit(1);
        Child::report('a', n);
      }
    });
    for (auto n = store.revision() + 1;; ++n) {
      const auto revision = store.commit(transaction_of(n));
      if (!revision || *revision != n) ::_exit(1);
      Child::report('c', n);
    }
  }

  TEST_CASE("kill -9 in a storm of commits loses nothing that was answered and leaves nothing half done") {
    const TempFolder folder;
    const auto state = folder / "state";
    std::uint64_t committed = 0;
    std::uint64_t appended = 0;
    for (const int reports : {400, 1, 150, 37, 900}) {
      CAPTURE(reports);
      Child child("child: a storm of commits and appends", state);
      const auto note = [&](const Report& report) { (report.kind == 'c' ? committed : appended) = report.number; };
      for (int i = 0; i < reports; ++i) {
        const auto report = child.read();
        REQUIRE(report.has_value());
        note(*report);
      }
      const auto second = store::open({state});
      REQUIRE_FALSE(second.has_value());
      CHECK(second.error().code == Errc::conflict);
      CHECK(second.error().message ==
            "state folder \"" + state + "\" is in use by process " + std::to_string(child.pid()));
      child.kill();
      while (const auto report = child.read()) note(*report);

      const auto store = store::open({state});
      REQUIRE(store.has_value());
      CHECK((*store)->revision() >= committed);
      CHECK((*store)->revision() <= committed + 1);
      CHECK(last_append(**store) >= appended);
      CHECK(last_append(**store) <= appended + 1);
      check_commits(**store);
      check_appends(**store);
      committed = (*store)->revision();
      appended = last_append(**store);
    }
  }

  TEST_CASE("a log that power loss cut or garbled at its end opens with a prefix of the commits") {
    const TempFolder folder;
    const auto opened = store::open({folder / "state"});
    REQUIRE(opened.has_value());
    for (std::uint64_t n = 1; n <= 20; ++n) REQUIRE((*opened)->commit(transaction_of(n)).has_value());
    // Opens what a crash would have left, edited, and writes on; then crashes once more.
    const auto reopen = [&](const std::function<void(std::string&)>& edit) {
      const auto copy = folder / "copy";
      const auto again = folder / "again";
      fs::remove_all(copy);
      fs::remove_all(again);
      fs::copy(folder / "state", copy, fs::copy_options::recursive);
      edit_log(copy, edit);
      const auto store = store::open({copy});
      REQUIRE(store.has_value());
      check_commits(**store);
      const auto kept = (*store)->revision();
      for (auto n = kept + 1; n <= kept + 3; ++n) REQUIRE((*store)->commit(transaction_of(n)).has_value());
      fs::copy(copy, again, fs::copy_options::recursive);
      const auto later = store::open({again});
      REQUIRE(later.has_value());
      CHECK((*later)->revision() == kept + 3);
      check_commits(**later);
      return kept;
    };
    CHECK(reopen([](std::string&) {}) == 20);
    CHECK(reopen([](std::string& log) { log.resize(log.size() - 5); }) == 19);
    CHECK(reopen([](std::string& log) { log[log.size() - 5] ^= 0x40; }) == 19);
    CHECK(reopen([](std::string& log) { log += std::string(3000, '\0'); }) == 20);
    CHECK(reopen([](std::string& log) { log += std::string(3000, 'x'); }) == 20);
  }

  TEST_CASE("child: a file system that takes no more" * doctest::skip()) {
    auto opened = store::open({Child::folder()});
    REQUIRE(opened.has_value());
    Store& store = **opened;
    REQUIRE(store.commit(transaction_of(1)).has_value());
    int heard = 0;
    const auto watch = store.watch([&](const store::Commit&) { ++heard; });
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 32 * 1024;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    std::string large;
    for (int i = 0; large.size() < 200'000; ++i) large += std::to_string(i * 7919);
    for (int attempt = 0; attempt < 2; ++attempt) {
      Transaction transaction = transaction_of(2);
      transaction.put(Family::sessions, "large", large);
      const auto result = store.commit(transaction);
      REQUIRE_FALSE(result.has_value());
      CHECK(result.error().code == Errc::storage);
      CHECK(append(store, Family::messages, "m", large).error().code == Errc::storage);
    }
    CHECK(heard == 0);
    CHECK(store.revision() == 1);
    check_commits(store);
    CHECK(keys(*store.snapshot(), Family::sessions).empty());
    CHECK(keys(*store.snapshot(), Family::messages).empty());
  }

  TEST_CASE("a write that fails is an error, changes nothing, and does not spoil what was there") {
    const TempFolder folder;
    Child child("child: a file system that takes no more", folder / "state");
    CHECK(child.wait() == 0);
    const auto store = store::open({folder / "state"});
    REQUIRE(store.has_value());
    CHECK((*store)->revision() == 1);
    check_commits(**store);
  }
}

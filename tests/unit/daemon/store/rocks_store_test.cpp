// What only the embedded store does: it keeps things, holds its folder, and knows its schema.
#include "daemon/store/rocks_store.hpp"

#include "daemon/store/schema.hpp"
#include "tests/unit/daemon/store/store_words.hpp"
#include "tests/unit/daemon/store/temp_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

using namespace jl;
using namespace jl::test;
namespace fs = std::filesystem;
using Keys = std::vector<std::string>;

namespace {
std::unique_ptr<Store> open_store(const std::string& folder, std::uint32_t version = store::kSchemaVersion,
                                  std::span<const store::Migration> migrations = {}) {
  auto result = store::open({folder}, version, migrations);
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}

unsigned mode(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777u;
}

// Every file with its contents, except the lock.
std::map<std::string, std::string> contents(const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename() == "LOCK.jlinkd") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    out[entry.path().string()] = std::string((std::istreambuf_iterator<char>(in)), {});
  }
  return out;
}
}  // namespace

TEST_SUITE("store.embedded") {
  TEST_CASE("a store that is opened again holds everything it held") {
    const TempFolder folder;
    {
      const auto store = open_store(folder / "s");
      REQUIRE(put(*store, Family::resources, "a", "1").has_value());
      REQUIRE(put(*store, Family::resources, "b", "2").has_value());
      REQUIRE(put(*store, Family::meta, "node", "n1").has_value());
      REQUIRE(append(*store, Family::messages, "m", "3").has_value());
      REQUIRE(append(*store, Family::messages, "n", "4").has_value());
      REQUIRE(store->erase_range(Family::messages, "m", "n").has_value());
      REQUIRE(store->sync().has_value());
    }
    const auto store = open_store(folder / "s");
    CHECK(store->revision() == 3);
    CHECK(show(store->get(Family::resources, "a")) == "1@1");
    CHECK(show(store->get(Family::resources, "b")) == "2@2");
    CHECK(show(store->get(Family::meta, "node")) == "n1@0");
    CHECK(keys(*store->snapshot(), Family::messages) == Keys{"n"});
    CHECK(put(*store, Family::resources, "c", "5").value() == 4);
  }

  TEST_CASE("one folder is held by one store at a time") {
    const TempFolder folder;
    const auto state = folder / "s";
    auto first = open_store(state);
    const auto second = store::open({state});
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == Errc::conflict);
    CHECK(second.error().message ==
          "state folder \"" + state + "\" is in use by process " + std::to_string(::getpid()));
    CHECK_FALSE(second.error().hint.empty());
    REQUIRE(put(*first, Family::resources, "a", "1").has_value());
    first.reset();
    CHECK(fs::file_size(state + "/LOCK.jlinkd") == 0);
    CHECK(open_store(state)->revision() == 1);
  }

  TEST_CASE("the state folder is made with its parents and is for its owner only") {
    const TempFolder folder;
    open_store(folder / "a/b/s/");
    CHECK(mode(folder / "a/b/s") == 0700);
    REQUIRE(::chmod((folder / "a/b/s").c_str(), 0755) == 0);
    open_store(folder / "a/b/s");
    CHECK(mode(folder / "a/b/s") == 0700);
  }

  TEST_CASE("a state folder that cannot be used is refused") {
    const TempFolder folder;
    std::ofstream(folder / "file") << "x";
    CHECK(store::open({folder / "file"}).error().code == Errc::storage);
    CHECK(store::open({folder / "file/below"}).error().code == Errc::storage);
    CHECK(store::open({""}).error().code == Errc::storage);
    if (::geteuid() == 0) {  // only root can give a folder away
      REQUIRE(::mkdir((folder / "other").c_str(), 0700) == 0);
      REQUIRE(::chown((folder / "other").c_str(), 65534, 65534) == 0);
      CHECK(store::open({folder / "other"}).error().code == Errc::denied);
    }
  }

  TEST_CASE("a damaged store is reported as corrupt") {
    const TempFolder folder;
    { open_store(folder / "s"); }
    std::ofstream(folder / "s/CURRENT", std::ios::trunc) << "nonsense";
    CHECK(store::open({folder / "s"}).error().code == Errc::corrupt);
  }

  TEST_CASE("a resource without its revision is corrupt, not half read") {
    std::string_view value;
    Revision revision = 0;
    CHECK(store::decode(Family::resources, "short", value, revision).error().code == Errc::corrupt);
    REQUIRE(store::decode(Family::logs, "short", value, revision).has_value());
    CHECK(value == "short");
  }

  TEST_CASE("callers that sync at once each get a sync that began after they asked") {
    std::atomic<int> begun = 0, ended = 0, late = 0;
    store::GroupSync sync([&]() -> Status {
      const int mine = ++begun;
      std::this_thread::yield();
      ended = mine;
      return {};
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          const int before = begun;
          if (!sync.wait() || ended <= before) ++late;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(late == 0);
    CHECK(begun <= 2000);
  }

  TEST_CASE("a sync that fails is reported to its caller, and the next one is tried anew") {
    int calls = 0;
    store::GroupSync sync([&]() -> Status {
      if (++calls == 1) return Error(Errc::storage, "broken");
      return {};
    });
    CHECK(sync.wait().error().code == Errc::storage);
    CHECK(sync.wait().has_value());
    CHECK(calls == 2);
  }
}

TEST_SUITE("store.schema") {
  TEST_CASE("a folder of a newer schema is refused by name and left as it is") {
    const TempFolder folder;
    const auto state = folder / "s";
    REQUIRE(put(*open_store(state, 7), Family::resources, "a", "1").has_value());
    const auto before = contents(state);
    const auto result = store::open({state});
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::version_mismatch);
    CHECK(result.error().message ==
          "the store in \"" + state + "\" has schema version 7, and this program writes version 1");
    CHECK(contents(state) == before);
    CHECK(open_store(state, 7)->revision() == 1);
  }

  TEST_CASE("the schema version is there from the first start on") {
    const TempFolder folder;
    open_store(folder / "s", 3);
    CHECK(store::open({folder / "s"}, 2, {}).error().code == Errc::version_mismatch);
    const auto store = open_store(folder / "s", 3);
    CHECK(store->revision() == 0);
    std::string version;
    store::append_u64(version, 3);
    CHECK(show(store->get(Family::meta, "schema")) == version + "@0");
  }

  TEST_CASE("an older schema is migrated step by step, each on what the one before left") {
    const TempFolder folder;
    constexpr int kMany = 600;  // more than a page of a scan
    {
      const auto store = open_store(folder / "s", 1);
      Transaction transaction;
      for (int i = 0; i < kMany; ++i) transaction.put(Family::resources, "r" + std::to_string(1000 + i), "old");
      REQUIRE(store->commit(transaction).has_value());
      REQUIRE(put(*store, Family::devices, "d", "gone").has_value());
    }
    int runs = 0;
    const std::vector<store::Migration> steps = {
        {2,
         [&](store::MigrationState& state) -> Status {
           ++runs;
           std::size_t seen = 0;
           JL_CHECK(
               state.scan(Family::resources, "r", "s", [&](std::string_view key, std::string_view value, Revision) {
                 seen += value == "new" ? 1u : 0u;
                 return state.erase(Family::resources, key).has_value() &&
                        state.put(Family::resources, "s" + std::string(key), value).has_value();
               }));
           CHECK(seen == kMany);
           return state.erase(Family::devices, "d");
         }},
        {1,
         [&](store::MigrationState& state) -> Status {
           ++runs;
           return state.scan(Family::resources, "r", "", [&](std::string_view key, std::string_view value, Revision) {
             CHECK(value == "old");
             REQUIRE(state.put(Family::resources, key, "new").has_value());
             const auto read = state.get(Family::resources, key);
             return read.has_value() && read->has_value() && (*read)->value == "new" && (*read)->revision == 1;
           });
         }},
    };
    for (int start = 0; start < 2; ++start) {
      const auto store = open_store(folder / "s", 3, steps);
      CHECK(runs == 2);
      CHECK(store->revision() == 2);
      CHECK(keys(*store->snapshot(), Family::resources).size() == kMany);
      CHECK(show(store->get(Family::resources, "sr1000")) == "new@2");
      CHECK(show(store->get(Family::resources, "sr1599")) == "new@2");
      CHECK(show(store->get(Family::devices, "d")) == "none");
    }
    CHECK(store::open({folder / "s"}, 2, {}).error().code == Errc::version_mismatch);
  }

  TEST_CASE("a migration that fails leaves the store as it was") {
    const TempFolder folder;
    REQUIRE(put(*open_store(folder / "s", 1), Family::resources, "a", "old").has_value());
    const std::vector<store::Migration> steps = {
        {1, [](store::MigrationState& state) { return state.put(Family::resources, "a", "new"); }},
        {2, [](store::MigrationState&) -> Status { return Error(Errc::invalid, "cannot be"); }},
    };
    CHECK(store::open({folder / "s"}, 3, steps).error().code == Errc::invalid);
    const auto store = open_store(folder / "s", 1);
    CHECK(show(store->get(Family::resources, "a")) == "old@1");
  }

  TEST_CASE("an older schema that no step leads from is refused") {
    const TempFolder folder;
    open_store(folder / "s", 1);
    const std::vector<store::Migration> steps = {{2, [](store::MigrationState&) -> Status { return {}; }}};
    CHECK(store::open({folder / "s"}, 3, steps).error().code == Errc::version_mismatch);
    CHECK(open_store(folder / "s", 1)->revision() == 0);
  }

  TEST_CASE("a store with commits but without a schema version is corrupt") {
    const TempFolder folder;
    REQUIRE(put(*open_store(folder / "s"), Family::resources, "a", "1").has_value());
    {
      auto lock = store::FolderLock::take(folder / "s");
      REQUIRE(lock.has_value());
      auto db = store::RocksDb::open({folder / "s"}, std::move(*lock));
      REQUIRE(db.has_value());
      REQUIRE((*db)->db().Delete({}, (*db)->handle(Family::meta), "schema").ok());
    }
    CHECK(store::open({folder / "s"}).error().code == Errc::corrupt);
  }
}

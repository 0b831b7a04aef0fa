// What every Store promises. The same tests run on the embedded store and on the fake that other tests use.
#include "daemon/store/store.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/unit/daemon/store/store_words.hpp"
#include "tests/unit/daemon/store/temp_folder.hpp"

#include <atomic>
#include <thread>

using namespace jl;
using namespace jl::test;
using Keys = std::vector<std::string>;

namespace {
struct Embedded {
  TempFolder folder;
  std::unique_ptr<Store> opened;
  Embedded() {
    auto result = store::open({folder / "state"});
    REQUIRE(result.has_value());
    opened = std::move(*result);
  }
  Store& store() { return *opened; }
};
struct Fake {
  FakeStore fake;
  Store& store() { return fake; }
};

// What a watcher saw: "3:a=1,b-" is commit 3 that wrote a and erased b.
std::string show_commit(const store::Commit& commit) {
  std::string out = std::to_string(commit.revision) + ":";
  for (const auto& change : commit.changes) {
    out += change.key + (change.value ? "=" + *change.value : "-") + ",";
  }
  return out;
}
}  // namespace

TEST_SUITE_BEGIN("store.contract");

TEST_CASE_TEMPLATE("a new store is empty and at revision 0", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  CHECK(store.revision() == 0);
  CHECK(show(store.get(Family::resources, "a")) == "none");
  CHECK(keys(*store.snapshot(), Family::resources).empty());
  CHECK(store.snapshot()->revision() == 0);
}

TEST_CASE_TEMPLATE("revisions grow by one per commit and stick to the resources it wrote", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  CHECK(put(store, Family::resources, "a", "1").value() == 1);
  CHECK(put(store, Family::resources, "b", "2").value() == 2);
  CHECK(put(store, Family::devices, "d", "3").value() == 3);
  CHECK(put(store, Family::resources, "a", "4").value() == 4);
  CHECK(store.revision() == 4);
  CHECK(show(store.get(Family::resources, "a")) == "4@4");
  CHECK(show(store.get(Family::resources, "b")) == "2@2");
  CHECK(show(store.get(Family::devices, "d")) == "3@0");
  CHECK(show(store.get(Family::logs, "d")) == "none");
  Transaction nothing;
  CHECK(store.commit(nothing).value() == 4);
  CHECK(store.revision() == 4);
}

TEST_CASE_TEMPLATE("values hold any bytes, empty ones too", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  const std::string bytes("\0\xFF\r\n\0", 5);
  REQUIRE(put(store, Family::resources, "a", bytes).has_value());
  REQUIRE(put(store, Family::resources, "b", "").has_value());
  REQUIRE(put(store, Family::references, "c", "").has_value());
  CHECK(show(store.get(Family::resources, "a")) == bytes + "@1");
  CHECK(show(store.get(Family::resources, "b")) == "@2");
  CHECK(show(store.get(Family::references, "c")) == "@0");
}

TEST_CASE_TEMPLATE("a snapshot reads one state whatever is written later", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  REQUIRE(put(store, Family::resources, "a", "1").has_value());
  REQUIRE(append(store, Family::messages, "m", "1").has_value());
  const auto before = store.snapshot();
  REQUIRE(put(store, Family::resources, "a", "2").has_value());
  REQUIRE(put(store, Family::resources, "b", "2").has_value());
  REQUIRE(append(store, Family::messages, "n", "2").has_value());
  REQUIRE(store.erase_range(Family::messages, "m", "n").has_value());
  CHECK(before->revision() == 1);
  CHECK(show(before->get(Family::resources, "a")) == "1@1");
  CHECK(show(before->get(Family::resources, "b")) == "none");
  CHECK(keys(*before, Family::resources) == Keys{"a"});
  CHECK(keys(*before, Family::messages) == Keys{"m"});
  const auto after = store.snapshot();
  CHECK(after->revision() == 3);
  CHECK(show(after->get(Family::resources, "a")) == "2@2");
  CHECK(keys(*after, Family::resources) == Keys{"a", "b"});
  CHECK(keys(*after, Family::messages) == Keys{"n"});
}

TEST_CASE_TEMPLATE("a snapshot outlives its store", Kind, Embedded, Fake) {
  std::unique_ptr<store::Snapshot> snapshot;
  {
    Kind kind;
    REQUIRE(put(kind.store(), Family::resources, "a", "1").has_value());
    snapshot = kind.store().snapshot();
  }
  CHECK(show(snapshot->get(Family::resources, "a")) == "1@1");
}

TEST_CASE_TEMPLATE("a scan keeps to its bounds in both directions", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  for (const auto* key : {"a", "b", "b1", "c", "d"}) REQUIRE(put(store, Family::resources, key, key).has_value());
  REQUIRE(put(store, Family::references, "bb", "").has_value());
  const auto now = store.snapshot();
  CHECK(keys(*now, Family::resources) == Keys{"a", "b", "b1", "c", "d"});
  CHECK(keys(*now, Family::resources, "", "", true) == Keys{"d", "c", "b1", "b", "a"});
  CHECK(keys(*now, Family::resources, "b", "c") == Keys{"b", "b1"});
  CHECK(keys(*now, Family::resources, "b", "c", true) == Keys{"b1", "b"});
  CHECK(keys(*now, Family::resources, "b0", "cc") == Keys{"b1", "c"});
  CHECK(keys(*now, Family::resources, "b0", "cc", true) == Keys{"c", "b1"});
  CHECK(keys(*now, Family::resources, "c") == Keys{"c", "d"});
  CHECK(keys(*now, Family::resources, "c", "", true) == Keys{"d", "c"});
  CHECK(keys(*now, Family::resources, "", "b") == Keys{"a"});
  CHECK(keys(*now, Family::resources, "x").empty());
  CHECK(keys(*now, Family::resources, "x", "", true).empty());
  CHECK(keys(*now, Family::resources, "b", "b").empty());
  CHECK(keys(*now, Family::resources, "c", "b").empty());
  CHECK(keys(*now, Family::resources, "c", "b", true).empty());
  CHECK(keys(*now, Family::resources, "", "", false, 2) == Keys{"a", "b"});
  CHECK(keys(*now, Family::resources, "", "", true, 1) == Keys{"d"});
}

TEST_CASE_TEMPLATE("a scan shows values and revisions", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  REQUIRE(put(store, Family::resources, "a", "one").has_value());
  REQUIRE(put(store, Family::resources, "b", "two").has_value());
  std::string seen;
  const auto status =
      store.snapshot()->scan(Family::resources, "", "", false, [&](auto key, auto value, Revision revision) {
        seen += std::string(key) + "=" + std::string(value) + "@" + std::to_string(revision) + " ";
        return true;
      });
  CHECK(status.has_value());
  CHECK(seen == "a=one@1 b=two@2 ");
}

TEST_CASE_TEMPLATE("a scan by prefix finds what a key's parts begin with and nothing else", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  for (const auto& key : {store::key({"net", "a"}), store::key({"net", "b"}), store::key({"network", "a"}),
                          std::string("net\xFFz"), store::key({"nes", "a"})}) {
    REQUIRE(put(store, Family::resources, key, "").has_value());
  }
  const auto prefix = store::key({"net", ""});
  CHECK(keys(*store.snapshot(), Family::resources, prefix, store::prefix_end(prefix)) ==
        Keys{store::key({"net", "a"}), store::key({"net", "b"})});
  const std::string high = "net\xFF";
  CHECK(keys(*store.snapshot(), Family::resources, high, store::prefix_end(high)) == Keys{"net\xFFz"});
}

TEST_CASE_TEMPLATE("preconditions compare revisions, and 0 means it must not exist", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  const auto attempt = [&](Revision expected) {
    Transaction transaction;
    transaction.expect("a", expected);
    transaction.put(Family::resources, "a", "x");
    transaction.put(Family::references, "r" + std::to_string(expected), "");
    const auto result = store.commit(transaction);
    return result ? Errc::count_ : result.error().code;
  };
  CHECK(attempt(1) == Errc::revision_mismatch);
  CHECK(attempt(0) == Errc::count_);  // revision 1
  CHECK(attempt(0) == Errc::revision_mismatch);
  CHECK(attempt(2) == Errc::revision_mismatch);
  CHECK(attempt(1) == Errc::count_);  // revision 2
  CHECK(attempt(1) == Errc::revision_mismatch);
  CHECK(show(store.get(Family::resources, "a")) == "x@2");
  CHECK(keys(*store.snapshot(), Family::references) == Keys{"r0", "r1"});
  CHECK(store.revision() == 2);
}

TEST_CASE_TEMPLATE("one precondition that fails leaves nothing of the transaction", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  REQUIRE(put(store, Family::resources, "a", "1").has_value());
  std::string seen;
  const auto watch = store.watch([&](const store::Commit& commit) { seen += show_commit(commit); });
  Transaction transaction;
  transaction.expect("a", 1);
  transaction.put(Family::resources, "a", "2");
  transaction.put(Family::devices, "d", "2");
  transaction.erase_range(Family::resources, "", "");
  transaction.expect("b", 7);
  const auto result = store.commit(transaction);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == Errc::revision_mismatch);
  CHECK(seen.empty());
  CHECK(store.revision() == 1);
  CHECK(show(store.get(Family::resources, "a")) == "1@1");
  CHECK(show(store.get(Family::devices, "d")) == "none");
}

TEST_CASE_TEMPLATE("preconditions without an operation are checked and make no commit", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  REQUIRE(put(store, Family::resources, "a", "1").has_value());
  Transaction holds;
  holds.expect("a", 1);
  CHECK(store.commit(holds).value() == 1);
  Transaction fails;
  fails.expect("a", 0);
  CHECK(store.commit(fails).error().code == Errc::revision_mismatch);
}

TEST_CASE_TEMPLATE("the operations of a transaction apply in order", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  for (const auto* key : {"a", "b", "c", "d"}) REQUIRE(put(store, Family::resources, key, "old").has_value());
  std::string seen;
  const auto watch = store.watch([&](const store::Commit& commit) { seen += show_commit(commit); });
  Transaction transaction;
  transaction.put(Family::resources, "bb", "new");
  transaction.erase(Family::resources, "a");
  transaction.erase(Family::resources, "missing");
  transaction.erase(Family::resources, "b");
  transaction.erase_range(Family::resources, "a", "d");
  transaction.put(Family::resources, "b", "again");
  transaction.put(Family::devices, "x", "1");
  transaction.erase(Family::devices, "x");
  CHECK(store.commit(transaction).value() == 5);
  CHECK(keys(*store.snapshot(), Family::resources) == Keys{"b", "d"});
  CHECK(show(store.get(Family::resources, "b")) == "again@5");
  CHECK(show(store.get(Family::resources, "d")) == "old@4");
  CHECK(show(store.get(Family::devices, "x")) == "none");
  CHECK(seen == "5:bb=new,a-,b-,bb-,c-,b=again,");
}

TEST_CASE_TEMPLATE("a range without an end goes to the end of the family", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  for (const auto* key : {"a", "b", "\xFF\xFF"}) {
    REQUIRE(put(store, Family::resources, key, "").has_value());
    REQUIRE(append(store, Family::logs, key, "").has_value());
  }
  Transaction transaction;
  transaction.put(Family::resources, "\xFF\xFF\xFF", "");
  transaction.put(Family::references, "r", "");
  transaction.erase_range(Family::resources, "b", "");
  transaction.erase_range(Family::references, "", "");
  REQUIRE(store.commit(transaction).has_value());
  CHECK(keys(*store.snapshot(), Family::resources) == Keys{"a"});
  CHECK(keys(*store.snapshot(), Family::references).empty());
  REQUIRE(store.erase_range(Family::logs, "b", "").has_value());
  CHECK(keys(*store.snapshot(), Family::logs) == Keys{"a"});
  REQUIRE(store.erase_range(Family::logs, "", "").has_value());
  REQUIRE(store.erase_range(Family::logs, "", "").has_value());
  CHECK(keys(*store.snapshot(), Family::logs).empty());
}

TEST_CASE_TEMPLATE("watchers hear commits in order, after the write and before commit returns", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  std::string seen;
  std::string read;
  const auto first = store.watch([&](const store::Commit& commit) {
    seen += "1>" + show_commit(commit) + " ";
    read = show(store.get(Family::resources, "a")) + " at " + std::to_string(store.revision());
  });
  auto second = store.watch([&](const store::Commit& commit) { seen += "2>" + show_commit(commit) + " "; });
  REQUIRE(put(store, Family::resources, "a", "1").has_value());
  CHECK(seen == "1>1:a=1, 2>1:a=1, ");
  CHECK(read == "1@1 at 1");
  second.reset();
  seen.clear();
  REQUIRE(put(store, Family::devices, "d", "1").has_value());
  REQUIRE(append(store, Family::messages, "m", "1").has_value());
  CHECK(seen == "1>2: ");
}

TEST_CASE_TEMPLATE("a watcher may end itself and start another while it is called", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  std::string seen;
  std::shared_ptr<void> first, second;
  first = store.watch([&](const store::Commit& commit) {
    seen += "1>" + show_commit(commit);
    second = store.watch([&](const store::Commit& later) { seen += "2>" + show_commit(later); });
    first.reset();
  });
  REQUIRE(put(store, Family::resources, "a", "1").has_value());
  REQUIRE(put(store, Family::resources, "a", "2").has_value());
  CHECK(seen == "1>1:a=1,2>2:a=2,");
}

TEST_CASE_TEMPLATE("a watch handle may outlive the store", Kind, Embedded, Fake) {
  std::shared_ptr<void> handle;
  {
    Kind kind;
    handle = kind.store().watch([](const store::Commit&) {});
  }
  CHECK(handle != nullptr);
  handle.reset();
}

TEST_CASE_TEMPLATE("a batch is appended whole, keeps its records, and can be used again", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  const auto batch = store.make_batch();
  CHECK(batch->count() == 0);
  CHECK(store.append(*batch).has_value());
  batch->put(Family::messages, "m1", "1");
  batch->put(Family::devices, "d1", "1");
  batch->put(Family::messages, "m1", "2");
  batch->erase(Family::devices, "d0");
  CHECK(batch->count() == 4);
  REQUIRE(append(store, Family::devices, "d0", "0").has_value());
  REQUIRE(store.append(*batch).has_value());
  CHECK(show(store.get(Family::messages, "m1")) == "2@0");
  CHECK(keys(*store.snapshot(), Family::devices) == Keys{"d1"});
  CHECK(store.revision() == 0);
  batch->clear();
  CHECK(batch->count() == 0);
  batch->put(Family::logs, "l", "1");
  REQUIRE(store.append(*batch).has_value());
  CHECK(keys(*store.snapshot(), Family::logs) == Keys{"l"});
}

TEST_CASE_TEMPLATE("erasing a range of appended records keeps to its bounds", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  for (const auto* key : {"a", "b", "c", "d"}) REQUIRE(append(store, Family::logs, key, "").has_value());
  REQUIRE(store.erase_range(Family::logs, "d", "a").has_value());
  REQUIRE(store.erase_range(Family::logs, "b", "d").has_value());
  CHECK(keys(*store.snapshot(), Family::logs) == Keys{"a", "d"});
  REQUIRE(append(store, Family::logs, "c", "").has_value());
  CHECK(keys(*store.snapshot(), Family::logs) == Keys{"a", "c", "d"});
}

TEST_CASE_TEMPLATE("appends and commits from several threads all arrive", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  constexpr int kEach = 200;
  std::atomic<int> failures = 0;
  std::vector<Revision> heard;
  const auto watch = store.watch([&](const store::Commit& commit) { heard.push_back(commit.revision); });
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      const auto batch = store.make_batch();
      for (int i = 0; i < kEach; ++i) {
        batch->clear();
        batch->put(Family::messages, std::to_string(t) + "/" + std::to_string(i), "m");
        batch->put(Family::devices, std::to_string(t), std::to_string(i));
        if (!store.append(*batch) || !store.snapshot()->get(Family::devices, std::to_string(t))) ++failures;
        if (i % 50 == 0 && !store.sync()) ++failures;
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < kEach; ++i) {
      if (!put(store, Family::resources, std::to_string(i), "r")) ++failures;
    }
  });
  for (auto& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(keys(*store.snapshot(), Family::messages).size() == 3 * kEach);
  CHECK(keys(*store.snapshot(), Family::resources).size() == kEach);
  CHECK(store.revision() == kEach);
  REQUIRE(heard.size() == kEach);
  for (std::size_t i = 0; i < heard.size(); ++i) CHECK(heard[i] == i + 1);
}

TEST_CASE_TEMPLATE("the size of a family grows with what is in it, and is its own", Kind, Embedded, Fake) {
  Kind kind;
  auto& store = kind.store();
  const auto batch = store.make_batch();
  const auto empty = store.approximate_size(Family::messages);
  for (int i = 0; i < 4000; ++i)
    batch->put(Family::messages, "device/" + std::to_string(100000 + i), std::string(250, 'x'));
  REQUIRE(store.append(*batch).has_value());
  // A megabyte; RocksDB estimates what is in memory from a few random samples.
  CHECK(store.approximate_size(Family::messages) > empty + 100'000);
  CHECK(store.approximate_size(Family::messages) < empty + 10'000'000);
  CHECK(store.approximate_size(Family::logs) < 10'000);
}

TEST_SUITE_END();

TEST_SUITE("store.fake") {
  TEST_CASE("a commit that was told to fail changes nothing, and the next one works") {
    FakeStore store;
    int heard = 0;
    const auto watch = store.watch([&](const store::Commit&) { ++heard; });
    store.fail_next_commit({Errc::storage, "no space"});
    CHECK(put(store, Family::resources, "a", "1").error().code == Errc::storage);
    CHECK(heard == 0);
    CHECK(store.revision() == 0);
    CHECK(show(store.get(Family::resources, "a")) == "none");
    CHECK(put(store, Family::resources, "a", "1").value() == 1);
    CHECK(heard == 1);
  }

  TEST_CASE("appends fail for as long as they are told to") {
    FakeStore store;
    store.fail_appends(true);
    CHECK(append(store, Family::messages, "m", "1").error().code == Errc::storage);
    CHECK(append(store, Family::messages, "m", "1").error().code == Errc::storage);
    CHECK(store.erase_range(Family::messages, "", "").error().code == Errc::storage);
    store.fail_appends(false);
    CHECK(append(store, Family::messages, "m", "1").has_value());
    CHECK(keys(*store.snapshot(), Family::messages) == Keys{"m"});
  }
}

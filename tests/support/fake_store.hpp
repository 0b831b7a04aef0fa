#pragma once
// A Store in memory that keeps the whole contract (the same tests run on it and on the real one), and fails when told
// to.
#include "common/base/assert.hpp"
#include "daemon/store/store.hpp"
#include "daemon/store/watchers.hpp"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jl::test {

class FakeStore final : public store::Store {
  using Family = store::Family;
  using Entry = store::Entry;
  using Rows = std::map<std::string, Entry, std::less<>>;
  struct State {
    std::array<Rows, static_cast<std::size_t>(Family::count_)> families;
    store::Revision revision = 0;

    [[nodiscard]] Rows& rows(Family family) { return families[static_cast<std::size_t>(family)]; }
    [[nodiscard]] const Rows& rows(Family family) const { return families[static_cast<std::size_t>(family)]; }
    [[nodiscard]] std::optional<Entry> get(Family family, std::string_view key) const {
      const auto it = rows(family).find(key);
      return it == rows(family).end() ? std::nullopt : std::optional(it->second);
    }
    // [from, to) of either kind of map; an empty `to` means the end.
    template <class Map>
    static auto range(Map& rows, std::string_view from, std::string_view to) {
      const auto last = to.empty() ? rows.end() : rows.lower_bound(to);
      const auto first = !to.empty() && from >= to ? last : rows.lower_bound(from);
      return std::pair(first, last);
    }
  };

  class FakeSnapshot final : public store::Snapshot {
   public:
    explicit FakeSnapshot(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    [[nodiscard]] Result<std::optional<Entry>> get(Family family, std::string_view key) const override {
      return state_->get(family, key);
    }
    [[nodiscard]] Status scan(Family family, std::string_view from, std::string_view to, bool backwards,
                              const Visit& visit) const override {
      auto [first, last] = State::range(state_->rows(family), from, to);
      while (first != last) {
        const auto& [key, entry] = backwards ? *--last : *first++;
        if (!visit(key, entry.value, entry.revision)) break;
      }
      return {};
    }
    [[nodiscard]] store::Revision revision() const override { return state_->revision; }

   private:
    std::shared_ptr<const State> state_;
  };

  class FakeBatch final : public store::AppendBatch {
   public:
    struct Record {
      Family family;
      std::string key;
      std::optional<std::string> value;
    };
    void put(Family family, std::string_view key, std::string_view value) override {
      JL_ASSERT(is_appendable(family));
      records.push_back({family, std::string(key), std::string(value)});
    }
    void erase(Family family, std::string_view key) override {
      JL_ASSERT(is_appendable(family));
      records.push_back({family, std::string(key), std::nullopt});
    }
    void clear() override { records.clear(); }
    [[nodiscard]] std::size_t count() const override { return records.size(); }
    std::vector<Record> records;
  };

 public:
  /// The next commit changes nothing and returns this.
  void fail_next_commit(Error error) {
    const std::lock_guard lock(mutex_);
    commit_failure_ = std::move(error);
  }
  /// From now on append() and erase_range() change nothing and return Errc::storage; false ends it.
  void fail_appends(bool fail) {
    const std::lock_guard lock(mutex_);
    appends_fail_ = fail;
  }
  /// How often sync() was called.
  [[nodiscard]] std::size_t syncs() const {
    const std::lock_guard lock(mutex_);
    return syncs_;
  }

  [[nodiscard]] std::unique_ptr<store::Snapshot> snapshot() const override {
    const std::lock_guard lock(mutex_);
    return std::make_unique<FakeSnapshot>(state_);
  }
  [[nodiscard]] Result<std::optional<Entry>> get(Family family, std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    return state_->get(family, key);
  }

  [[nodiscard]] Result<store::Revision> commit(const store::Transaction& transaction) override {
    const std::lock_guard committing(commit_mutex_);
    store::Commit commit{};
    {
      const std::lock_guard lock(mutex_);
      if (commit_failure_) return *std::exchange(commit_failure_, std::nullopt);
      for (const auto& expected : transaction.expectations()) {
        const auto entry = state_->get(Family::resources, expected.key);
        if ((entry ? entry->revision : 0) != expected.revision) {
          return Error(Errc::revision_mismatch, "\"" + expected.key + "\" is not at the expected revision");
        }
      }
      if (transaction.empty()) return state_->revision;
      auto& state = writable();
      commit.revision = ++state.revision;
      for (const auto& op : transaction.ops()) apply(state, op, commit);
    }
    watchers_.notify(commit);
    return commit.revision;
  }
  [[nodiscard]] Status sync() override {
    const std::lock_guard lock(mutex_);
    ++syncs_;
    return {};
  }

  [[nodiscard]] std::unique_ptr<store::AppendBatch> make_batch() const override {
    return std::make_unique<FakeBatch>();
  }
  [[nodiscard]] Status append(store::AppendBatch& batch) override {
    auto* const own = dynamic_cast<FakeBatch*>(&batch);
    JL_ASSERT(own != nullptr);
    const std::lock_guard lock(mutex_);
    if (appends_fail_) return append_failure();
    if (own->records.empty()) return {};
    auto& state = writable();
    for (const auto& record : own->records) {
      auto& rows = state.rows(record.family);
      if (record.value) {
        rows[record.key] = {*record.value, 0};
      } else {
        rows.erase(record.key);
      }
    }
    return {};
  }
  [[nodiscard]] Status erase_range(Family family, std::string_view from, std::string_view to) override {
    JL_ASSERT(is_appendable(family));
    const std::lock_guard lock(mutex_);
    if (appends_fail_) return append_failure();
    auto& rows = writable().rows(family);
    const auto [first, last] = State::range(rows, from, to);
    rows.erase(first, last);
    return {};
  }

  [[nodiscard]] std::shared_ptr<void> watch(Watcher watcher) override { return watchers_.add(std::move(watcher)); }
  [[nodiscard]] store::Revision revision() const override {
    const std::lock_guard lock(mutex_);
    return state_->revision;
  }
  [[nodiscard]] std::uint64_t approximate_size(Family family) const override {
    const std::lock_guard lock(mutex_);
    std::uint64_t size = 0;
    for (const auto& [key, entry] : state_->rows(family)) size += key.size() + entry.value.size();
    return size;
  }

 private:
  static bool is_appendable(Family family) { return family != Family::resources && family != Family::meta; }
  static Error append_failure() { return {Errc::storage, "the fake store was told to fail"}; }

  // A snapshot that still reads the state keeps it as it is.
  State& writable() {
    if (state_.use_count() > 1) state_ = std::make_shared<State>(*state_);
    return *state_;
  }

  static void apply(State& state, const store::Transaction::Op& op, store::Commit& commit) {
    const bool noted = op.family == Family::resources;
    auto& rows = state.rows(op.family);
    using Kind = store::Transaction::Op::Kind;
    if (op.kind == Kind::put) {
      rows[op.key] = {op.value, noted ? commit.revision : 0};
      if (noted) commit.changes.push_back({op.key, op.value});
    } else if (op.kind == Kind::erase) {
      if (rows.erase(op.key) > 0 && noted) commit.changes.push_back({op.key, std::nullopt});
    } else {
      const auto [first, last] = State::range(rows, op.key, op.value);
      for (auto it = first; noted && it != last; ++it) commit.changes.push_back({it->first, std::nullopt});
      rows.erase(first, last);
    }
  }

  mutable std::mutex mutex_;
  std::mutex commit_mutex_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  store::Watchers watchers_;
  std::optional<Error> commit_failure_;
  bool appends_fail_ = false;
  std::size_t syncs_ = 0;
};

}  // namespace jl::test

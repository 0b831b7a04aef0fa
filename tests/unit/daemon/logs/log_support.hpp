#pragma once
// Short forms for tests on the logs.
#include "daemon/logs/logs.hpp"
#include "daemon/logs/records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace jl::test {
using logs::LogClass;
using logs::LogQuery;
using logs::LogStore;

struct LogBench {
  FakeStore store;
  ManualClock clock;
  LogStore logs{store, clock};

  void access(const std::string& action, boost::json::object more = {}) {
    more["action"] = action;
    logs.append(LogClass::access, std::move(more));
  }
  void system(const std::string& level, const std::string& message) {
    logs.append(LogClass::system, {{"level", level}, {"logger", "test.logger"}, {"message", message}});
  }
};

inline LogQuery query(LogClass log) {
  LogQuery out;
  out.log = log;
  return out;
}

/// One member of every record, newest record first.
inline std::vector<std::string> values(const LogStore& logs, const LogQuery& query, std::string_view member) {
  const auto records = logs.read(query);
  REQUIRE(records.has_value());
  std::vector<std::string> out;
  for (const auto& record : *records) out.emplace_back(record.at(member).as_string());
  return out;
}

/// Holds a store's appends back until it is let go.
class GatedStore final : public store::Store {
 public:
  explicit GatedStore(store::Store& inner) : inner_(inner) {}
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  /// Waits until somebody stands before the closed gate.
  void await_waiting() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

  [[nodiscard]] std::unique_ptr<store::Snapshot> snapshot() const override { return inner_.snapshot(); }
  [[nodiscard]] Result<std::optional<store::Entry>> get(store::Family family, std::string_view key) const override {
    return inner_.get(family, key);
  }
  [[nodiscard]] Result<store::Revision> commit(const store::Transaction& transaction) override {
    return inner_.commit(transaction);
  }
  [[nodiscard]] Status sync() override { return inner_.sync(); }
  [[nodiscard]] std::unique_ptr<store::AppendBatch> make_batch() const override { return inner_.make_batch(); }
  [[nodiscard]] Status append(store::AppendBatch& batch) override {
    {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
      --waiting_;
    }
    return inner_.append(batch);
  }
  [[nodiscard]] Status erase_range(store::Family family, std::string_view from, std::string_view to) override {
    ++erasures;
    return inner_.erase_range(family, from, to);
  }
  [[nodiscard]] std::shared_ptr<void> watch(Watcher watcher) override { return inner_.watch(std::move(watcher)); }
  [[nodiscard]] store::Revision revision() const override { return inner_.revision(); }
  [[nodiscard]] std::uint64_t approximate_size(store::Family family) const override {
    return inner_.approximate_size(family);
  }

  std::atomic<unsigned> erasures{0};

 private:
  store::Store& inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  unsigned waiting_ = 0;
};

}  // namespace jl::test

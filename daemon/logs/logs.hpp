#pragma once
// The two logs of the house (日志管理): who called what (access), and what the daemon had to say (system). Both go to
// the store in time order through one bounded queue and one writer thread; logging never blocks or fails its caller,
// and what had to be dropped is counted.
#include "common/base/result.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/base/log.hpp"
#include "daemon/store/store.hpp"

#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <string>

namespace jl::logs {

enum class LogClass : std::uint8_t { access, system };
[[nodiscard]] std::string_view to_string(LogClass log);

/// Which records to read. Empty or zero members do not filter.
struct LogQuery {
  LogClass log = LogClass::access;
  Millis since = 0, until = 0;           ///< [since, until)
  std::string grep;                      ///< substring of the record's text, case-insensitive
  std::string user, action;              ///< access; action is a glob
  std::string status;                    ///< access: "ok" or "failed"
  log::Level level = log::Level::debug;  ///< system: this and above
  std::string logger;                    ///< system: glob
  std::size_t limit = 100;               ///< at most 10,000, which 0 means too
};

struct LogStats {
  std::uint64_t records = 0, bytes = 0, dropped = 0;
  Millis oldest = 0;
};

struct Retention {
  Millis max_age = 30LL * 86'400'000;     ///< 0 = no limit
  std::uint64_t max_bytes = 256u << 20u;  ///< 0 = no limit
};

class LogStore {
 public:
  /// The store and clock outlive it.
  LogStore(store::Store& store, const Clock& clock, std::size_t max_queued = 8192);
  ~LogStore();
  LogStore(const LogStore&) = delete;

  /// Queues one record; `record` is its JSON without id and time. Any thread, never blocks, drops when full.
  void append(LogClass log, boost::json::object record);
  /// Waits until everything queued so far is in the store (shutdown, tests).
  void flush();
  /// Newest first. Each has "id" and "time"; ids sort like the records. Errors: storage.
  [[nodiscard]] Result<std::vector<boost::json::object>> read(const LogQuery& query) const;
  /// Calls `line` for every later record that the query lets through; the handle ends it. Called on the writer thread,
  /// after the record is in the store: who follows first and then reads misses none, and knows doubles by their id.
  [[nodiscard]] std::shared_ptr<void> follow(LogQuery query, std::function<void(const boost::json::object&)> line);
  /// For a moment after the start, until old records are counted, `records` and `bytes` may be too low.
  [[nodiscard]] LogStats stats(LogClass log) const;
  /// Deletes what is older than the time. Errors: storage.
  Status purge(LogClass log, Millis before);
  /// Deletes what the retention of a class no longer covers, oldest first.
  Status retain(LogClass log, const Retention& retention);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Access records: who, what, on what, how long, result, revisions; parameters redacted and capped.
class AccessLog {
 public:
  explicit AccessLog(LogStore& store) : store_(&store) {}
  void append(boost::json::object record) { store_->append(LogClass::access, std::move(record)); }

 private:
  LogStore* store_;
};

/// Sends system records of `least` and above to the store for as long as the handle lives.
[[nodiscard]] std::shared_ptr<void> store_system_log(LogStore& store, log::Level least);

}  // namespace jl::logs

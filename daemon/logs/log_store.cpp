#include "daemon/logs/followers.hpp"
#include "daemon/logs/ledger.hpp"
#include "daemon/logs/logs.hpp"
#include "daemon/logs/quiet.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace jl::logs {
namespace {
namespace json = boost::json;

constexpr std::size_t kMaxBatch = 1024;   // records of one store write
constexpr std::size_t kMaxRead = 10'000;  // records of one answer

struct Item {
  LogClass log;
  Place place;
  json::object record;
};

std::optional<json::object> parse_record(std::string_view text) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // an old record is better shown than hidden
  options.max_depth = 64;
  boost::system::error_code ec;
  json::value value = json::parse(json::string_view(text), ec, {}, options);
  if (ec || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

}  // namespace

struct LogStore::Impl {
  Impl(store::Store& s, const Clock& c, std::size_t max)
      : store(s), clock(c), max_queued(max), ledger(s), next_seq(ledger.first_free_seq()) {
    writer = std::thread([this] { run(); });
  }
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    work.notify_all();
    writer.join();
  }

  void run() {
    std::vector<Item> items;
    bool counting = true;
    for (;;) {
      {
        std::unique_lock lock(mutex);
        if (!counting) work.wait(lock, [this] { return stopping || !queue.empty(); });
        if (stopping && queue.empty()) return;
        items.swap(queue);
      }
      for (std::span<Item> rest(items); !rest.empty();) {
        const auto now = rest.first(std::min(rest.size(), kMaxBatch));
        write(now);
        rest = rest.subspan(now.size());
      }
      if (!items.empty()) {
        const std::lock_guard lock(mutex);
        done += items.size();
        idle.notify_all();
      }
      items.clear();
      if (counting) counting = count();
    }
  }

  // Goes on counting what was there at the start. False when there is no more to do.
  bool count() {
    for (const auto log : {LogClass::access, LogClass::system}) {
      const auto complete = ledger.count_some(log);
      if (!complete) {
        report(complete.error(), "count");
        return false;
      }
      if (!*complete) return true;
    }
    return false;
  }

  void write(std::span<Item> items) {
    rows.clear();
    for (auto& item : items) {
      item.record = prepared(std::move(item.record));
      rows.push_back({item.log, record_key(item.log, item.place), json::serialize(item.record)});
    }
    if (const auto status = ledger.append(rows); !status) {
      for (const auto& item : items) ++dropped_of(item.log);
      report(status.error(), "write");
    }
    // Followers come after the store: who follows first and reads then has every record, some of them twice. They also
    // see what the store did not take: nothing else will show it.
    for (auto& item : items) {
      followers.deliver(item.log, with_place(item.place, std::move(item.record)), item.place.time);
    }
  }

  void report(const Error& error, std::string_view what) {
    std::uint64_t held = 0;
    if (!failures.allow(clock.steady(), held)) return;
    const Quiet quiet;  // or the record of the failure would be the next one to fail
    log::error("logs", "cannot {} log records error=\"{}\" suppressed={}", what, error.message, held);
  }

  std::atomic<std::uint64_t>& dropped_of(LogClass log) { return dropped[static_cast<std::size_t>(log)]; }

  store::Store& store;
  const Clock& clock;
  const std::size_t max_queued;
  Ledger ledger;
  Followers followers;
  log::RateLimit failures;
  std::array<std::atomic<std::uint64_t>, 2> dropped{};
  std::vector<Ledger::Row> rows;  // the writer's

  std::mutex mutex;  // guards what follows
  std::condition_variable work, idle;
  std::vector<Item> queue;
  std::uint64_t next_seq;
  std::uint64_t queued = 0, done = 0;
  bool stopping = false;

  std::thread writer;  // last: it uses everything above
};

LogStore::LogStore(store::Store& store, const Clock& clock, std::size_t max_queued)
    : impl_(std::make_unique<Impl>(store, clock, max_queued)) {}
LogStore::~LogStore() = default;

void LogStore::append(LogClass log, json::object record) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->queue.size() >= impl_->max_queued) {
      ++impl_->dropped_of(log);
      return;
    }
    impl_->queue.push_back({log, {impl_->clock.now(), impl_->next_seq++}, std::move(record)});
    ++impl_->queued;
  }
  impl_->work.notify_one();
}

void LogStore::flush() {
  std::unique_lock lock(impl_->mutex);
  const auto target = impl_->queued;
  impl_->idle.wait(lock, [&] { return impl_->done >= target; });
}

Result<std::vector<json::object>> LogStore::read(const LogQuery& query) const {
  const std::size_t limit = query.limit == 0 ? kMaxRead : std::min(query.limit, kMaxRead);
  const std::string from = record_key(query.log, {query.since, 0});
  const std::string to = query.until > 0 ? record_key(query.log, {query.until, 0}) : class_end(query.log);
  std::vector<json::object> out;
  const auto visit = [&](std::string_view key, std::string_view value, store::Revision) {
    const auto place = place_of(key);
    auto record = parse_record(value);
    if (place && record && matches(query, *record, place->time)) out.push_back(with_place(*place, std::move(*record)));
    return out.size() < limit;
  };
  JL_CHECK(impl_->store.snapshot()->scan(store::Family::logs, from, to, true, visit));
  return out;
}

std::shared_ptr<void> LogStore::follow(LogQuery query, std::function<void(const json::object&)> line) {
  return impl_->followers.add(std::move(query), std::move(line));
}

LogStats LogStore::stats(LogClass log) const {
  LogStats out = impl_->ledger.stats(log);
  out.dropped = impl_->dropped_of(log);
  return out;
}

Status LogStore::purge(LogClass log, Millis before) { return impl_->ledger.erase_before(log, before); }

Status LogStore::retain(LogClass log, const Retention& retention) {
  if (retention.max_age > 0) JL_CHECK(purge(log, impl_->clock.now() - retention.max_age));
  if (retention.max_bytes > 0) JL_CHECK(impl_->ledger.shrink(log, retention.max_bytes));
  return {};
}

}  // namespace jl::logs

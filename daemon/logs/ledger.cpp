#include "daemon/logs/ledger.hpp"

#include <algorithm>

namespace jl::logs {
namespace {

using store::Family;

constexpr std::size_t kStep = 2048;  // records read in one go: about a millisecond

// The smallest key above this one.
std::string after(std::string key) {
  key.push_back('\0');
  return key;
}

}  // namespace

Ledger::Ledger(store::Store& store) : store_(store), batch_(store.make_batch()) {
  const auto snapshot = store_.snapshot();
  for (const auto log : {LogClass::access, LogClass::system}) {
    shelf(log).counted_until = class_begin(log);
    bool is_empty = true;
    const auto newest = [&](std::string_view key, std::string_view, store::Revision) {
      is_empty = false;
      if (const auto place = place_of(key)) first_free_seq_ = std::max(first_free_seq_, place->seq + 1);
      return false;
    };
    // A store that cannot be read says so again at the first append.
    const auto status = snapshot->scan(Family::logs, class_begin(log), class_end(log), true, newest);
    shelf(log).is_counted = status && is_empty;
  }
}

Status Ledger::append(std::span<const Row> rows) {
  const std::lock_guard lock(mutex_);
  batch_->clear();
  for (const auto& row : rows) batch_->put(Family::logs, row.key, row.value);
  JL_CHECK(store_.append(*batch_));
  for (const auto& row : rows) {
    Shelf& own = shelf(row.log);
    if (!own.counts(row.key)) continue;
    ++own.records;
    own.bytes += row.key.size() + row.value.size();
  }
  return {};
}

Result<bool> Ledger::count_some(LogClass log) {
  const std::lock_guard lock(mutex_);
  Shelf& own = shelf(log);
  if (own.is_counted) return true;
  std::size_t seen = 0;
  std::string last;
  const auto count = [&](std::string_view key, std::string_view value, store::Revision) {
    ++own.records;
    own.bytes += key.size() + value.size();
    last = key;
    return ++seen < kStep;
  };
  const auto status = store_.snapshot()->scan(Family::logs, own.counted_until, class_end(log), false, count);
  if (seen > 0) own.counted_until = after(std::move(last));
  if (!status) return status.error();
  own.is_counted = seen < kStep;
  return own.is_counted;
}

Result<bool> Ledger::erase_some(LogClass log, std::string& from, const std::string& to, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  Shelf& own = shelf(log);
  std::size_t seen = 0;
  std::uint64_t seen_bytes = 0, counted = 0, counted_bytes = 0;
  std::string last;
  const auto visit = [&](std::string_view key, std::string_view value, store::Revision) {
    const auto size = key.size() + value.size();
    ++seen;
    seen_bytes += size;
    if (own.counts(key)) ++counted, counted_bytes += size;
    last = key;
    return seen < kStep && seen_bytes < bytes;
  };
  JL_CHECK(store_.snapshot()->scan(Family::logs, from, to, false, visit));
  if (seen == 0) return false;
  std::string end = after(std::move(last));
  JL_CHECK(store_.erase_range(Family::logs, from, end));
  own.records -= std::min(own.records, counted);
  own.bytes -= std::min(own.bytes, counted_bytes);
  from = std::move(end);
  return true;
}

Status Ledger::erase_before(LogClass log, Millis before) {
  std::string from = class_begin(log);
  const std::string to = record_key(log, {before, 0});
  for (;;) {
    JL_TRY(const bool more, erase_some(log, from, to, UINT64_MAX));
    if (!more) return {};
  }
}

Status Ledger::shrink(LogClass log, std::uint64_t max_bytes) {
  for (bool counted = false; !counted;) {
    JL_TRY(counted, count_some(log));
  }
  std::string from = class_begin(log);
  const std::string to = class_end(log);
  for (;;) {
    std::uint64_t bytes = 0;
    {
      const std::lock_guard lock(mutex_);
      bytes = shelf(log).bytes;
    }
    if (bytes <= max_bytes) return {};
    JL_TRY(const bool more, erase_some(log, from, to, bytes - max_bytes));
    if (!more) return {};
  }
}

LogStats Ledger::stats(LogClass log) const {
  LogStats out;
  {
    const std::lock_guard lock(mutex_);
    out.records = shelf(log).records;
    out.bytes = shelf(log).bytes;
  }
  (void)store_.snapshot()->scan(Family::logs, class_begin(log), class_end(log), false, [&](auto key, auto, auto) {
    if (const auto place = place_of(key)) out.oldest = place->time;
    return false;
  });
  return out;
}

}  // namespace jl::logs

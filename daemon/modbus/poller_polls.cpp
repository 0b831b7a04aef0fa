// What is read by schedule, and what becomes of blocks that the server refuses.
#include "daemon/modbus/poller_impl.hpp"

namespace jl::modbus {
namespace {

// Illegal data address, and illegal data value, which some servers say of the count (V1.1b3 §7).
bool is_refusal(const Outcome& outcome) {
  return outcome.kind == Outcome::Kind::exception && (outcome.exception == 2 || outcome.exception == 3);
}

std::uint32_t end_of(const Format& format) { return std::uint32_t{format.address} + format.count; }

// What reads all of some points, which are sorted by address.
wire::modbus::Request request_of(std::span<const EntryPtr> points) {
  const Format& first = points.front()->point->format;
  std::uint32_t end = 0;
  for (const EntryPtr& entry : points) end = std::max(end, end_of(entry->point->format));
  wire::modbus::Request request;
  request.function = modbus::read_function(first.area);
  request.address = first.address;
  request.count = static_cast<std::uint16_t>(end - first.address);
  return request;
}

// A poll that the line did not take.
Outcome not_taken(const Error& why) {
  Outcome outcome;
  outcome.kind = why.code == Errc::connection_lost ? Outcome::Kind::closed : Outcome::Kind::malformed;
  outcome.problem = why.message;
  return outcome;
}

}  // namespace

void Poller::Impl::poll_due() {
  while (const auto due = schedule.take(now)) {
    if (!open) {
      stats.skipped += due->deadlines * due->blocks->size();
      continue;
    }
    for (const std::size_t index : *due->blocks) {
      const RunPtr run = runs[index];
      stats.overruns += run->busy ? due->deadlines : due->deadlines - 1;
      if (run->busy) continue;
      stats.worst_lateness = std::max(stats.worst_lateness, now - due->latest);
      poll(run, Cause::cycle);
    }
  }
  while (open && !probes.empty() && probes.begin()->first <= now) {
    const RunPtr run = probes.begin()->second;
    probes.erase(probes.begin());
    poll(run, Cause::probe);
  }
}

void Poller::Impl::poll_unread() {
  for (const RunPtr& run : runs) {
    if (run->busy || run->is_probe() || schedule.next_of(run->points.front()->grid) <= now) continue;
    const bool is_read = std::none_of(run->points.begin(), run->points.end(),
                                      [](const EntryPtr& entry) { return entry->sample.quality == Quality::pending; });
    if (!is_read) poll(run, Cause::extra);
  }
}

void Poller::Impl::poll(const RunPtr& run, Cause cause) {
  run->busy = true;
  const wire::modbus::Request request = request_of(run->points);
  Order order{run->block.unit, request, Priority::poll, 0,
              guarded([this, run, cause](const Outcome& outcome) { on_poll(run, cause, outcome); })};
  if (const Status status = line.submit(now, std::move(order)); !status) on_poll(run, cause, not_taken(status.error()));
}

void Poller::Impl::on_poll(const RunPtr& run, Cause cause, const Outcome& outcome) {
  count(cause, outcome.kind);
  run->busy = false;
  if (is_refusal(outcome)) {
    if (run->gone) return;  // the blocks that took its place find out by themselves
    if (run->points.size() > 1) return bisect(run);
    take_no_reply(run->points, outcome);
    return refuse(run);
  }
  if (outcome.kind == Outcome::Kind::ok) {
    take_reply(run->points, outcome);
  } else {
    take_no_reply(run->points, outcome);
  }
  if (run->is_probe()) try_again(run);
}

void Poller::Impl::count(Cause cause, Outcome::Kind kind) {
  if (cause != Cause::cycle) return;
  const bool is_skipped =
      kind == Outcome::Kind::skipped || kind == Outcome::Kind::closed || kind == Outcome::Kind::cancelled;
  ++(is_skipped ? stats.skipped : stats.cycles);
}

void Poller::Impl::take_reply(std::span<const EntryPtr> from, const Outcome& outcome) {
  const Millis unix_now = unix_time();
  const std::uint16_t address = from.front()->point->format.address;
  std::vector<Update> updates;
  updates.reserve(from.size());
  for (const EntryPtr& entry : from) {
    Update update;
    heal(*entry);
    if (take_data(*entry, cut_data(entry->point->format, address, outcome.data), outcome.rtt, unix_now, update)) {
      updates.push_back(update);
    }
    if (entry->live && entry->sample.quality == Quality::good) ++stats.values;
  }
  tell(updates);
}

void Poller::Impl::take_no_reply(std::span<const EntryPtr> from, const Outcome& outcome) {
  // That the connection went, or the channel was stopped, is told of all points at once.
  if (outcome.kind == Outcome::Kind::closed || outcome.kind == Outcome::Kind::cancelled) return;
  const Millis unix_now = unix_time();
  std::vector<Update> updates;
  for (const EntryPtr& entry : from) {
    Update update;
    if (take_failure(*entry, outcome.problem, outcome.exception, unix_now, update)) updates.push_back(update);
  }
  tell(updates);
}

/// A good answer heals a refused point: the next plan reads it together with others again.
void Poller::Impl::heal(Entry& entry) {
  if (!std::exchange(entry.refused, false)) return;
  want_plan();
}

void Poller::Impl::set_refused(Entry& entry) {
  entry.backoff = entry.refused ? std::min(entry.backoff * 2, kLastReprobe) : kFirstReprobe;
  entry.refused = true;
  entry.probe_at = now + std::max(entry.backoff, entry.point->interval);
}

/// A single point was refused.
void Poller::Impl::refuse(const RunPtr& run) {
  const bool is_new = !run->is_probe();
  set_refused(*run->points.front());
  if (!is_new) return try_again(run);
  run->busy = run->settled = true;
  want_plan();
}

void Poller::Impl::try_again(const RunPtr& run) {
  Entry& entry = *run->points.front();
  entry.probe_at = std::max(entry.probe_at, now + std::max(entry.backoff, entry.point->interval));
  if (!run->gone) probes.emplace(entry.probe_at, run);
}

void Poller::Impl::bisect(const RunPtr& run) {
  std::vector<std::uint16_t> addresses;
  for (const EntryPtr& entry : run->points) addresses.push_back(entry->point->format.address);
  run->busy = true;
  run->bisection = std::make_unique<Bisection>(std::move(addresses));
  ask_parts(run, run->bisection->first());
}

void Poller::Impl::ask_parts(const RunPtr& run, std::vector<Bisection::Part> parts) {
  later.push_back([this, run, parts = std::move(parts)] {
    for (const Bisection::Part& part : parts) ask_part(run, part);
  });
}

void Poller::Impl::ask_part(const RunPtr& run, const Bisection::Part& part) {
  if (run->gone) return;
  const auto asked = std::span<const EntryPtr>(run->points).subspan(part.begin, part.size());
  Order order{run->block.unit, request_of(asked), Priority::poll, 0,
              guarded([this, run, part](const Outcome& outcome) { on_part(run, part, outcome); })};
  if (const Status status = line.submit(now, std::move(order)); !status) on_part(run, part, not_taken(status.error()));
}

void Poller::Impl::on_part(const RunPtr& run, const Bisection::Part& part, const Outcome& outcome) {
  const auto asked = std::span<const EntryPtr>(run->points).subspan(part.begin, part.size());
  auto verdict = Bisection::Verdict::unknown;
  if (outcome.kind == Outcome::Kind::ok) {
    verdict = Bisection::Verdict::fine;
    take_reply(asked, outcome);
  } else if (is_refusal(outcome)) {
    verdict = Bisection::Verdict::refused;
    if (part.size() == 1) take_no_reply(asked, outcome);
  } else {
    take_no_reply(asked, outcome);
  }
  if (run->gone) return;
  auto next = run->bisection->answer(part, verdict);
  if (!next.empty()) return ask_parts(run, std::move(next));
  if (run->bisection->is_done()) settle(run);
}

/// What was found of a block goes into the next plan. A block whose parts were all read, although it was refused, just
/// goes on.
void Poller::Impl::settle(const RunPtr& run) {
  const auto bisection = std::exchange(run->bisection, nullptr);
  const auto bad = bisection->refused();
  const auto ends = bisection->cuts();
  for (const std::size_t index : bad) set_refused(*run->points[index]);
  for (const std::uint16_t address : ends) cuts.insert({run->block.unit, run->block.area, address});
  run->settled = !bad.empty() || !ends.empty();
  run->busy = run->settled;
  if (run->settled) want_plan();
}

}  // namespace jl::modbus

#include "daemon/modbus/poller.hpp"

#include "daemon/modbus/poller_impl.hpp"

namespace jl::modbus {
namespace {

// Servers that refuse, or heal, point by point call for a plan each time. With 10,000 points one takes some
// milliseconds; this long a pause leaves that a few percent of the thread.
Millis plan_pause(std::size_t points) { return static_cast<Millis>(points / 16); }

PlanPoint plan_point(const Entry& entry) {
  const Point& point = *entry.point;
  return {entry.index,          point.interval,     point.unit,     point.format.area,
          point.format.address, point.format.count, point.no_merge, entry.refused};
}

// Cuts are between points: where none begins any more there is nothing to cut.
void drop_idle_cuts(Cuts& cuts, const std::vector<PlanPoint>& wanted) {
  if (cuts.empty()) return;
  Cuts used;
  for (const PlanPoint& point : wanted) {
    const Cut cut{point.unit, point.area, point.address};
    if (cuts.contains(cut)) used.insert(cut);
  }
  cuts = std::move(used);
}

bool is_same_place(const Block& a, const Block& b) {
  return a.unit == b.unit && a.area == b.area && a.address == b.address && a.count == b.count;
}

}  // namespace

void Poller::Impl::tell(const std::vector<Update>& updates) {
  if (!updates.empty()) house.on_updates(updates);
}

void Poller::Impl::set_points(Millis time, std::vector<std::shared_ptr<const Point>> wanted,
                              const PlanLimits& new_limits) {
  now = time;
  limits = new_limits;
  std::vector<Update> updates;
  points.replace(std::move(wanted), unix_time(), updates);
  if (stopped) points.start(unix_time(), updates);
  stopped = false;
  plan_anew();
  tell(updates);
  if (open) poll_unread();
  on_time(time);
}

void Poller::Impl::on_open(Millis time) {
  now = time;
  std::vector<Update> updates;
  poll_due();  // counts what was skipped until now
  if (std::exchange(stopped, false)) {
    points.start(unix_time(), updates);
    plan_anew();
  }
  open = true;
  schedule.restart(time);
  tell(updates);
  on_time(time);
}

void Poller::Impl::on_closed(Millis time, const std::string& why) {
  now = time;
  open = false;
  std::vector<Update> updates;
  for (const EntryPtr& entry : points.all()) {
    if (!entry->is_polled() || entry->refused) continue;
    Update update;
    if (take_failure(*entry, why, 0, unix_time(), update)) updates.push_back(update);
  }
  tell(updates);
  // The line has ended what it had; what waited for its turn does not wait for the next connection.
  end_tasks(Error(Errc::connection_lost, "the connection was lost: " + why));
}

void Poller::Impl::stop(Millis time) {
  now = time;
  stopped = true;
  open = false;
  for (const RunPtr& run : runs) run->gone = true;
  runs.clear();
  plan.clear();
  schedule.clear();
  probes.clear();
  plan_at = Line::kNever;
  later.clear();
  std::vector<Update> updates;
  points.stop(unix_time(), updates);
  tell(updates);
  end_tasks(Error(Errc::disabled, "the channel was disabled meanwhile"));
}

void Poller::Impl::on_time(Millis time) {
  now = time;
  const auto do_later = [this] {
    while (!later.empty()) {
      const auto act = std::move(later.front());
      later.pop_front();
      act();
    }
  };
  do_later();
  if (plan_at <= now) plan_anew();
  poll_due();
  do_later();
}

Millis Poller::Impl::next_time() const {
  if (!later.empty()) return now;
  Millis next = std::min(schedule.next_time(), plan_at);
  if (open && !probes.empty()) next = std::min(next, probes.begin()->first);
  return next;
}

void Poller::Impl::want_plan() {
  if (stopped || plan_at != Line::kNever) return;
  plan_at = std::max(now, planned_at + plan_pause(points.size()));
}

void Poller::Impl::plan_anew() {
  planned_at = now;
  plan_at = Line::kNever;
  std::vector<PlanPoint> wanted;
  for (const EntryPtr& entry : points.all()) {
    if (entry->is_polled()) wanted.push_back(plan_point(*entry));
  }
  drop_idle_cuts(cuts, wanted);
  plan = make_plan(std::move(wanted), limits, cuts);
  take_runs(std::exchange(runs, {}));
  give_grids();
}

/// Runs of blocks that stay go on as they are.
void Poller::Impl::take_runs(const std::vector<RunPtr>& former) {
  std::unordered_map<const Entry*, RunPtr> by_point;
  for (const RunPtr& run : former) {
    by_point.emplace(run->points.front().get(), run);
    run->gone = true;
  }
  runs.reserve(plan.size());
  probes.clear();
  for (const Block& block : plan) {
    std::vector<EntryPtr> of_block;
    for (const std::size_t index : block.points) of_block.push_back(points.at(index));
    const auto found = by_point.find(of_block.front().get());
    RunPtr run;
    if (found != by_point.end() && found->second->points == of_block && is_same_place(found->second->block, block)) {
      run = found->second;
      run->gone = false;
      if (std::exchange(run->settled, false)) run->busy = false;
    } else {
      run = std::make_shared<Run>();
      run->points = std::move(of_block);
    }
    run->block = block;
    if (run->is_probe() && !run->busy) probes.emplace(run->points.front()->probe_at, run);
    runs.push_back(std::move(run));
  }
}

/// A block keeps the grid of the first of its points that has one; all that have none begin now. Refused points keep
/// theirs for the time after.
void Poller::Impl::give_grids() {
  schedule.take_blocks_off();
  std::map<Millis, Schedule::Id> begun;  // by interval
  std::set<Schedule::Id> used;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Millis interval = runs[i]->block.interval;
    Schedule::Id id = 0;
    for (const EntryPtr& entry : runs[i]->points) {
      if (!schedule.has(entry->grid, interval)) continue;
      id = entry->grid;
      break;
    }
    if (id == 0) {
      Schedule::Id& fresh = begun[interval];
      if (fresh == 0) fresh = schedule.begin(interval, open ? now : now + interval);
      id = fresh;
    }
    for (const EntryPtr& entry : runs[i]->points) entry->grid = id;
    used.insert(id);
    if (!runs[i]->is_probe()) schedule.assign(id, i);
  }
  schedule.keep_only(used);
}

Poller::Poller(Line& line, PollerHouse& house, std::function<Millis()> unix_time)
    : impl_(std::make_unique<Impl>(line, house, std::move(unix_time))) {}
Poller::~Poller() = default;

void Poller::set_points(Millis now, std::vector<std::shared_ptr<const Point>> points, const PlanLimits& limits) {
  impl_->set_points(now, std::move(points), limits);
}
void Poller::on_open(Millis now) { impl_->on_open(now); }
void Poller::on_closed(Millis now, const std::string& why) { impl_->on_closed(now, why); }
void Poller::stop(Millis now) { impl_->stop(now); }
void Poller::on_time(Millis now) { impl_->on_time(now); }
Millis Poller::next_time() const { return impl_->next_time(); }
void Poller::read(Millis now, std::string_view point_id, PointDone done) {
  impl_->read(now, point_id, std::move(done));
}
void Poller::write(Millis now, std::string_view point_id, const boost::json::value& value, bool verify,
                   PointDone done) {
  impl_->write(now, point_id, value, verify, std::move(done));
}

const Sample* Poller::sample_of(std::string_view point_id) const {
  const EntryPtr entry = impl_->points.find(point_id);
  return entry ? &entry->sample : nullptr;
}
void Poller::for_each(const std::function<void(const Point&, const Sample&)>& visit) const {
  for (const EntryPtr& entry : impl_->points.all()) visit(*entry->point, entry->sample);
}
const std::vector<Block>& Poller::plan() const { return impl_->plan; }
std::string_view Poller::point_id_of(std::size_t index) const { return impl_->points.at(index)->point->id; }
bool Poller::is_bad(std::size_t index) const { return impl_->points.at(index)->refused; }
const PollerStats& Poller::stats() const { return impl_->stats; }

}  // namespace jl::modbus

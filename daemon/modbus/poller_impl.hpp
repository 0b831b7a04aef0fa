#pragma once
// What a poller holds, for the files that make it: poller.cpp (points and plans), poller_polls.cpp (what is read by
// schedule) and poller_requests.cpp (what people read and write). Include it nowhere else.
//
// Outcomes come without the time, in calls of the line that the poller does not see. So what they call for (the halves
// of a block, the next step of a write, another plan) is put down in `later` and done by on_time(), which next_time()
// then asks for at once.
#include "daemon/modbus/poller_bisect.hpp"
#include "daemon/modbus/poller_points.hpp"
#include "daemon/modbus/poller_schedule.hpp"

#include <deque>
#include <set>

namespace jl::modbus {

/// A block of the plan, as it runs. Requests that are under way keep it alive.
struct Run {
  Block block;
  std::vector<EntryPtr> points;
  bool busy = false;     ///< its poll waits or is in flight, or it is being bisected
  bool settled = false;  ///< it is busy until the next plan, which takes what was found of its addresses into account
  bool gone = false;     ///< no block of the plan any more
  std::unique_ptr<Bisection> bisection;

  /// Whether it is a refused point alone, which has no deadlines.
  [[nodiscard]] bool is_probe() const { return points.size() == 1 && points.front()->refused; }
};
using RunPtr = std::shared_ptr<Run>;

/// What people asked for.
struct Task {
  EntryPtr entry;
  PointDone done;
  bool is_write = false, verify = false;
  WritePlan plan;
  wire::modbus::Request sent;  ///< the write as it went out
  boost::json::value written;  ///< what it says, as reading would show it
};
using TaskPtr = std::shared_ptr<Task>;

struct Poller::Impl {
  /// Why a block is read.
  enum class Cause : std::uint8_t {
    cycle,  ///< its deadline came
    extra,  ///< it has points that were never read, and its deadline is far
    probe,  ///< a refused point is tried again
  };

  Impl(Line& to_line, PollerHouse& to_house, std::function<Millis()> clock)
      : line(to_line), house(to_house), unix_time(std::move(clock)) {}
  ~Impl();
  Impl(const Impl&) = delete;

  // poller.cpp
  void set_points(Millis time, std::vector<std::shared_ptr<const Point>> wanted, const PlanLimits& new_limits);
  void on_open(Millis time);
  void on_closed(Millis time, const std::string& why);
  void stop(Millis time);
  void on_time(Millis time);
  [[nodiscard]] Millis next_time() const;
  void plan_anew();
  void want_plan();
  void take_runs(const std::vector<RunPtr>& former);
  void give_grids();
  void tell(const std::vector<Update>& updates);
  /// `act` unless the poller is gone by then.
  template <class Act>
  [[nodiscard]] std::function<void(const Outcome&)> guarded(Act act) {
    return [alive = std::weak_ptr<const bool>(alive), act = std::move(act)](const Outcome& outcome) {
      if (!alive.expired()) act(outcome);
    };
  }

  // poller_polls.cpp
  void poll_due();
  void poll_unread();
  void poll(const RunPtr& run, Cause cause);
  void on_poll(const RunPtr& run, Cause cause, const Outcome& outcome);
  void count(Cause cause, Outcome::Kind kind);
  void take_reply(std::span<const EntryPtr> from, const Outcome& outcome);
  void take_no_reply(std::span<const EntryPtr> from, const Outcome& outcome);
  void heal(Entry& entry);
  void set_refused(Entry& entry);
  void refuse(const RunPtr& run);
  void try_again(const RunPtr& run);
  void bisect(const RunPtr& run);
  void ask_parts(const RunPtr& run, std::vector<Bisection::Part> parts);
  void ask_part(const RunPtr& run, const Bisection::Part& part);
  void on_part(const RunPtr& run, const Bisection::Part& part, const Outcome& outcome);
  void settle(const RunPtr& run);

  // poller_requests.cpp
  void read(Millis time, std::string_view point_id, PointDone done);
  void write(Millis time, std::string_view point_id, const boost::json::value& value, bool verify, PointDone done);
  void submit(const TaskPtr& task, const wire::modbus::Request& request, Priority priority,
              void (Impl::*then)(const TaskPtr&, const Outcome&));
  void begin_write(const TaskPtr& task);
  void on_read_first(const TaskPtr& task, const Outcome& outcome);
  void on_written(const TaskPtr& task, const Outcome& outcome);
  void on_read(const TaskPtr& task, const Outcome& outcome);
  void on_read_back(const TaskPtr& task, const Outcome& outcome);
  void take_answer(Entry& entry, const Outcome& outcome, bool tells_always);
  void finish(const TaskPtr& task, Status status);
  void end_tasks(const Error& why);

  Line& line;
  PollerHouse& house;
  std::function<Millis()> unix_time;
  std::shared_ptr<const bool> alive = std::make_shared<const bool>(true);

  Millis now = 0;  ///< of the call that runs, or of the last one; for what runs within it only
  bool open = false, stopped = false;
  Points points;
  PlanLimits limits;
  Cuts cuts;
  std::vector<Block> plan;
  std::vector<RunPtr> runs;  ///< of `plan`, at the same places
  Schedule schedule;         ///< of places in `runs`
  std::multimap<Millis, RunPtr> probes;
  Millis planned_at = 0, plan_at = Line::kNever;  ///< when it was made last, and is to be made next
  std::deque<std::function<void()>> later;
  std::set<TaskPtr> tasks;                              ///< all that are not done
  std::map<std::uint8_t, std::deque<TaskPtr>> writing;  ///< by unit; the first one is under way
  PollerStats stats;
};

}  // namespace jl::modbus

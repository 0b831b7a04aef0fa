// What people read and write. Writes to one unit go one after the other, each with its read before and after, so that
// nothing comes between reading a register and writing it back, nor between a write and its verification.
#include "daemon/modbus/poller_impl.hpp"

#include "common/base/hex.hpp"

#include <fmt/format.h>

namespace jl::modbus {
namespace {

using wire::modbus::Function;

std::string_view hint_of(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::timeout:
      return "check that the unit is on and has this number; a slow one needs a longer requestTimeout of the channel";
    case Outcome::Kind::closed:
      return "the channel connects again by itself; its status tells why it cannot";
    case Outcome::Kind::malformed:
      return "check that the channel's transport is what the slave speaks";
    case Outcome::Kind::exception:
      break;
    default:
      return {};
  }
  switch (outcome.exception) {
    case 1:
      return "the slave does not know this function; check the point's function, or forceMultiple and maskWrite";
    case 2:
      return "check address and quantity against the slave's manual";
    case 3:
      return "check quantity, and what values the slave takes";
    case 5:
    case 6:
      return "the slave is busy; try again";
    case 10:
    case 11:
      return "the gateway cannot reach the unit; check its number and its wiring";
    default:
      return {};
  }
}

Errc code_of(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::timeout:
      return Errc::timeout;
    case Outcome::Kind::closed:
      return Errc::connection_lost;
    case Outcome::Kind::skipped:
      return Errc::device_offline;
    case Outcome::Kind::cancelled:
      return Errc::unavailable;
    default:
      return Errc::device_error;
  }
}

Error about(const Point& point, Errc code, std::string_view what, std::string_view hint = {}) {
  return Error(code, fmt::format("{}: {}", describe(point), what), std::string(hint));
}

Error error_of(const Point& point, const Outcome& outcome) {
  return about(point, code_of(outcome.kind), outcome.problem, hint_of(outcome));
}

Error unknown_point(std::string_view id) {
  return Error(Errc::not_found, fmt::format("there is no point \"{}\" on this channel", id));
}

Status may_read(const Point& point) {
  if (!point.enabled) return about(point, Errc::disabled, "the point is disabled", "enable the point first");
  if (!point.reads()) return about(point, Errc::unsupported, "write only", "set its access to read-write");
  if (point.unit == 0) return about(point, Errc::unsupported, "unit 0 is all units, which can only be written");
  return {};
}

Status may_write(const Point& point) {
  if (!point.enabled) return about(point, Errc::disabled, "the point is disabled", "enable the point first");
  if (!model::is_writable(point.format.area)) {
    return about(point, Errc::unsupported, "read only", "only coils and holding registers can be written");
  }
  if (!point.writes()) return about(point, Errc::unsupported, "read only", "set its access to read-write or write");
  return {};
}

Result<WritePlan> plan_write(const Point& point, const boost::json::value& value, bool verify) {
  JL_CHECK(may_write(point));
  if (verify && (!point.reads() || point.unit == 0))
    return about(point, Errc::unsupported, "write only: what was written cannot be verified",
                 "write without verifying");
  auto plan = encode(point.format, value);
  if (!plan) {
    Error error = plan.error();
    error.message = fmt::format("{}: {}", describe(point), error.message);
    return error;
  }
  if (plan->reads_first && point.unit == 0) {
    return about(point, Errc::invalid, "part of a register cannot be written to all units at once",
                 "set maskWrite, or write the whole register");
  }
  return plan;
}

// What a point's bytes are, without what scale and rounding hide.
std::optional<boost::json::value> bare_value(Format format, std::string_view data) {
  format.scale_factor = 1;
  format.offset = 0;
  format.decimals = -1;
  auto value = decode(format, data);
  if (!value) return std::nullopt;
  return std::move(*value);
}

// Whether a point whose bytes are `now` holds what was written. A mask tells only what became of its bit.
bool holds(const Task& task, std::string_view now) {
  const Format& format = task.entry->point->format;
  const auto is = bare_value(format, now);
  if (!is) return false;
  if (task.sent.function == Function::mask_write_register) {
    const auto again = encode(format, *is);
    return again && again->write.data == task.sent.data;
  }
  std::string written = task.sent.data;
  if (task.sent.function == Function::write_single_coil) written.assign(1, written.at(0) != 0 ? '\1' : '\0');
  return bare_value(format, written) == is;
}

}  // namespace

Poller::Impl::~Impl() {
  alive.reset();
  end_tasks(Error(Errc::unavailable, "the channel is gone"));
}

void Poller::Impl::read(Millis time, std::string_view point_id, PointDone done) {
  now = time;
  const EntryPtr entry = points.find(point_id);
  if (!entry) return done({unknown_point(point_id), {}});
  if (const Status may = may_read(*entry->point); !may) return done({may, entry->sample});
  const auto task = std::make_shared<Task>();
  task->entry = entry;
  task->done = std::move(done);
  tasks.insert(task);
  submit(task, read_request(entry->point->format), Priority::read, &Impl::on_read);
}

void Poller::Impl::write(Millis time, std::string_view point_id, const boost::json::value& value, bool verify,
                         PointDone done) {
  now = time;
  const EntryPtr entry = points.find(point_id);
  if (!entry) return done({unknown_point(point_id), {}});
  auto planned = plan_write(*entry->point, value, verify);
  if (!planned) return done({planned.error(), entry->sample});
  if (tasks.size() >= Line::kMaxWaiting) {
    return done({about(*entry->point, Errc::busy, "too many requests wait", "wait for them, or poll less"), {}});
  }
  const auto task = std::make_shared<Task>();
  task->entry = entry;
  task->done = std::move(done);
  task->is_write = true;
  task->verify = verify;
  task->plan = std::move(*planned);
  task->written = written_value(entry->point->format, task->plan, value);
  tasks.insert(task);
  auto& queue = writing[entry->point->unit];
  queue.push_back(task);
  if (queue.size() == 1) begin_write(task);
}

void Poller::Impl::submit(const TaskPtr& task, const wire::modbus::Request& request, Priority priority,
                          void (Impl::*then)(const TaskPtr&, const Outcome&)) {
  if (!tasks.contains(task)) return;
  const Point& point = *task->entry->point;
  Order order{point.unit, request, priority, 0, guarded([this, task, then](const Outcome& outcome) {
                if (tasks.contains(task)) (this->*then)(task, outcome);
              })};
  if (const Status status = line.submit(now, std::move(order)); !status) {
    finish(task, about(point, status.error().code, status.error().message, status.error().hint));
  }
}

void Poller::Impl::begin_write(const TaskPtr& task) {
  if (task->plan.reads_first) {
    return submit(task, read_request(task->entry->point->format), Priority::write, &Impl::on_read_first);
  }
  task->sent = task->plan.write;
  submit(task, task->sent, Priority::write, &Impl::on_written);
}

void Poller::Impl::on_read_first(const TaskPtr& task, const Outcome& outcome) {
  if (outcome.kind != Outcome::Kind::ok) return finish(task, error_of(*task->entry->point, outcome));
  task->sent = merge(task->entry->point->format, task->plan, outcome.data);
  later.push_back([this, task] { submit(task, task->sent, Priority::write, &Impl::on_written); });
}

void Poller::Impl::on_written(const TaskPtr& task, const Outcome& outcome) {
  const Point& point = *task->entry->point;
  if (outcome.kind != Outcome::Kind::ok) return finish(task, error_of(point, outcome));
  if (!point.reads() || point.unit == 0) return finish(task, {});
  later.push_back(
      [this, task] { submit(task, read_request(task->entry->point->format), Priority::read, &Impl::on_read_back); });
}

/// What a read of one point brought goes into its sample. `tells_always`: even if nothing changed.
void Poller::Impl::take_answer(Entry& entry, const Outcome& outcome, bool tells_always) {
  const Millis unix_now = unix_time();
  Update update;
  bool is_told = false;
  if (outcome.kind == Outcome::Kind::ok) {
    const auto former = entry.sample.value;
    is_told = take_data(entry, std::string(outcome.data), outcome.rtt, unix_now, update) &&
              (tells_always || update.quality_changed || former != entry.sample.value ||
               (entry.point->changed_only && update.report));
    heal(entry);
    if (entry.sample.quality == Quality::good) ++stats.values;
  } else if (outcome.kind != Outcome::Kind::closed && outcome.kind != Outcome::Kind::cancelled) {
    is_told = take_failure(entry, outcome.problem, outcome.exception, unix_now, update);
  }
  if (is_told) house.on_updates({&update, 1});
}

void Poller::Impl::on_read(const TaskPtr& task, const Outcome& outcome) {
  Entry& entry = *task->entry;
  take_answer(entry, outcome, false);
  if (outcome.kind != Outcome::Kind::ok) return finish(task, error_of(*entry.point, outcome));
  if (!entry.live || entry.sample.quality == Quality::stopped) {
    return finish(task, about(*entry.point, Errc::disabled, "the point was disabled or changed meanwhile"));
  }
  if (entry.sample.quality == Quality::bad) {
    return finish(task, about(*entry.point, Errc::device_error, entry.sample.error, "check the point's type"));
  }
  finish(task, {});
}

/// Without verification the write was what counts: it is done whatever comes of reading back.
void Poller::Impl::on_read_back(const TaskPtr& task, const Outcome& outcome) {
  Entry& entry = *task->entry;
  const Point& point = *entry.point;
  take_answer(entry, outcome, true);
  if (!task->verify) return finish(task, {});
  if (outcome.kind != Outcome::Kind::ok) {
    Error error = error_of(point, outcome);
    error.message += ", when what was written was to be read back";
    return finish(task, std::move(error));
  }
  if (holds(*task, outcome.data)) return finish(task, {});
  finish(task, about(point, Errc::device_error,
                     fmt::format("holds {} after {} was written", to_hex(outcome.data), to_hex(task->sent.data)),
                     "the slave accepted the write but keeps another value; see its manual"));
}

void Poller::Impl::finish(const TaskPtr& task, Status status) {
  if (tasks.erase(task) == 0) return;
  if (task->is_write) {
    const auto found = writing.find(task->entry->point->unit);
    found->second.pop_front();
    if (found->second.empty()) {
      writing.erase(found);
    } else {
      later.push_back([this, next = found->second.front()] { begin_write(next); });
    }
  }
  Sample sample = task->entry->sample;
  if (task->is_write && !task->entry->point->reads()) sample.value = std::move(task->written);
  task->done({std::move(status), std::move(sample)});
}

/// Ends all tasks. What the line may still bring of them is dropped.
void Poller::Impl::end_tasks(const Error& why) {
  writing.clear();
  for (const TaskPtr& task : std::exchange(tasks, {})) {
    const Point& point = *task->entry->point;
    task->done({about(point, why.code, why.message, why.hint), task->entry->sample});
  }
}

}  // namespace jl::modbus

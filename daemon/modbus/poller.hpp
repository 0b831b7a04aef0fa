#pragma once
// The points of one channel: when each is read, what its value is, and how good that is (operations.md 2.5: 2, 3, 4,
// 8). Drives a Line with the blocks of a plan; a pure machine besides, steered by time. One thread.
//
// Schedule: each block has a grid of deadlines, its start plus whole intervals, that never drifts. A cycle that cannot
// begin because the one before still waits or is in flight, or because the thread woke too late for it, is left out and
// counted as an overrun; one that falls into a time without connection, or of a unit that does not answer, as skipped.
//
// Illegal addresses (exceptions 2 and 3) of a block with several points: it is halved and both halves are read at once,
// down to single points. A single point that is refused goes bad: it is read alone from then on, after 1 minute,
// doubled up to 10, and nobody reads across it; a good answer heals it. Where both halves are fine the cut between them
// stays (the gap is what the server refuses); where a point went bad the cuts around it are dropped again.
#include "daemon/modbus/line.hpp"
#include "daemon/modbus/plan.hpp"
#include "daemon/modbus/value.hpp"

#include <map>
#include <span>

namespace jl::modbus {

/// What may be said of a point's value.
enum class Quality : std::uint8_t {
  pending,  ///< not read yet, or not polled
  good,
  bad,      ///< Sample::error tells why; `value` is the last good one
  stopped,  ///< the point or its channel is disabled
};
[[nodiscard]] std::string_view to_string(Quality quality);  ///< in lower case

/// A point as the channel runs it. Immutable, shared with who binds it.
struct Point {
  std::string id, name;
  bool enabled = true;
  std::uint8_t unit = 1;
  Format format;
  model::ModbusAccess access = model::ModbusAccess::read;
  Millis interval = 0;  ///< 0 = not polled
  bool changed_only = false, no_merge = false;
  double dead_band = 0;
  bool dead_band_percent = false;
  Millis max_silence = 0;
  [[nodiscard]] bool reads() const { return access != model::ModbusAccess::write; }
  [[nodiscard]] bool writes() const { return access != model::ModbusAccess::read; }
  /// Whether it is read by schedule, as long as its channel runs.
  [[nodiscard]] bool is_polled() const { return enabled && reads() && interval > 0 && unit != 0; }
  bool operator==(const Point&) const;
};
[[nodiscard]] std::shared_ptr<const Point> point_of(const std::string& id, const std::string& name, bool enabled,
                                                    const model::ModbusPoint& spec, model::ModbusOrder channel_order);

/// The state of a point.
struct Sample {
  boost::json::value value;  ///< last good one; null before
  std::string raw;           ///< its bytes
  Quality quality = Quality::pending;
  Millis at = 0;          ///< Unix time of the value
  Millis changed_at = 0;  ///< Unix time of the quality
  std::string error;      ///< "illegal data address (2)", "no answer within 2000 ms"
  std::uint8_t exception = 0;
  Millis rtt = 0;
};

/// One that was read, or whose quality changed.
struct Update {
  std::shared_ptr<const Point> point;
  const Sample* sample = nullptr;
  bool report = false;  ///< good, and to be told (changedOnly, dead band, maxSilence)
  bool quality_changed = false;
};

/// Who is told. Calls may come within any call of the poller; the poller must not be called back into from there
/// except submit-like calls of read() and write().
class PollerHouse {
 public:
  virtual ~PollerHouse() = default;
  /// Updates of one reply, or of one event that concerns many points.
  virtual void on_updates(std::span<const Update> updates) = 0;
};

/// What a request of people for one point came to.
struct PointResult {
  Status status;  ///< timeout, remote (the slave said no), connection_lost, invalid, unsupported...
  Sample sample;  ///< after a read, or a write that was read back; of a point that is only written, what was written
};
using PointDone = std::function<void(const PointResult&)>;

struct PollerStats {
  std::uint64_t cycles = 0;    ///< blocks read by schedule
  std::uint64_t overruns = 0;  ///< cycles left out: the one before was not done, or the thread was late
  std::uint64_t skipped = 0;   ///< cycles left out: no connection, or the unit does not answer
  std::uint64_t values = 0;    ///< points read
  Millis worst_lateness = 0;   ///< of a cycle's begin against its deadline
};

class Poller {
 public:
  static constexpr Millis kFirstReprobe = 60'000, kLastReprobe = 600'000;

  /// `unix_time` gives the Unix time of a sample. The line is the caller's, who feeds it.
  Poller(Line& line, PollerHouse& house, std::function<Millis()> unix_time);
  ~Poller();
  Poller(const Poller&) = delete;

  /// Takes other points; those that stay keep their samples, and their schedule if interval and place stay. Updates of
  /// quality are told. Plans anew once.
  void set_points(Millis now, std::vector<std::shared_ptr<const Point>> points, const PlanLimits& limits);
  /// After Line::on_open(): all schedules begin now, spread by nothing: first values come at once.
  void on_open(Millis now);
  /// After Line::on_closed(): all polled points go bad.
  void on_closed(Millis now, const std::string& why);
  /// The channel is disabled: all points go stopped.
  void stop(Millis now);
  void on_time(Millis now);
  /// As Line::next_time(); to be asked after calls of the line too, since outcomes call for more requests.
  [[nodiscard]] Millis next_time() const;

  /// Reads a point now, before what is polled; its sample is updated, and told if it changes anything. Errors through
  /// `done`: not_found, unsupported (write only), and how the request ended.
  void read(Millis now, std::string_view point_id, PointDone done);
  /// Writes a point: range check, request, answer, then reads it back when it reads (the sample is updated and told).
  /// `verify`: what is read back must be what was written. Errors through `done`: not_found, unsupported (not writable,
  /// without any traffic), invalid, and how the requests ended.
  void write(Millis now, std::string_view point_id, const boost::json::value& value, bool verify, PointDone done);

  [[nodiscard]] const Sample* sample_of(std::string_view point_id) const;
  void for_each(const std::function<void(const Point&, const Sample&)>& visit) const;
  [[nodiscard]] const std::vector<Block>& plan() const;
  [[nodiscard]] std::string_view point_id_of(std::size_t index) const;  ///< of Block::points
  [[nodiscard]] bool is_bad(std::size_t index) const;                   ///< of Block::points: read alone, rarely
  [[nodiscard]] const PollerStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl::modbus

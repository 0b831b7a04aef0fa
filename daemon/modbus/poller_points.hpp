#pragma once
// The points of a channel with their samples: what a reply or a failure makes of a sample, and what is to be told of
// it. No requests, no schedule.
#include "daemon/modbus/poller.hpp"

#include <unordered_map>

namespace jl::modbus {

/// A point with all that is known of it. Requests that are under way keep it alive.
struct Entry {
  std::shared_ptr<const Point> point;
  Sample sample;
  std::size_t index = 0;
  bool live = true;  ///< one of the channel's; what answers bring for others is dropped

  std::optional<boost::json::value> reported;  ///< the last value that was reported
  Millis reported_at = 0;                      ///< Unix time of that

  bool refused = false;    ///< its address is illegal: read alone, rarely
  Millis backoff = 0;      ///< from one try to the next, while refused
  Millis probe_at = 0;     ///< steady; the next try
  std::uint64_t grid = 0;  ///< of deadlines, that it belongs to or belonged to before it was refused

  [[nodiscard]] bool is_polled() const { return live && point->is_polled(); }
};
using EntryPtr = std::shared_ptr<Entry>;

/// The bytes of one point in the data of a block that begins at `address`: registers as they are, bits packed anew so
/// that the point's first one is the least significant. Empty when they are not all there.
[[nodiscard]] std::string cut_data(const Format& format, std::uint16_t address, std::string_view data);

/// A point was read: its value, or that its bytes stand for none. False when there is nothing to be told of it: it is
/// stopped, or its bytes stand for none as before.
[[nodiscard]] bool take_data(Entry& entry, std::string data, Millis rtt, Millis unix_now, Update& update);
/// A point could not be read. False when its quality was bad before, which needs no telling.
[[nodiscard]] bool take_failure(Entry& entry, const std::string& error, std::uint8_t exception, Millis unix_now,
                                Update& update);
/// "point "p1" (unit 3, HoldingRegisters 107)", as errors begin.
[[nodiscard]] std::string describe(const Point& point);

class Points {
 public:
  /// Takes other points. Those of the same unit and format keep all that is known of them. Of an id that comes twice
  /// the first one counts. `updates`: changes of quality.
  void replace(std::vector<std::shared_ptr<const Point>> points, Millis unix_now, std::vector<Update>& updates);
  [[nodiscard]] EntryPtr find(std::string_view id) const;
  [[nodiscard]] const std::vector<EntryPtr>& all() const { return entries_; }
  [[nodiscard]] const EntryPtr& at(std::size_t index) const { return entries_.at(index); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// The channel is disabled: all go stopped.
  void stop(Millis unix_now, std::vector<Update>& updates);
  /// The channel runs again after stop(): all that are enabled go pending.
  void start(Millis unix_now, std::vector<Update>& updates);

 private:
  std::vector<EntryPtr> entries_;
  std::unordered_map<std::string_view, EntryPtr> by_id_;  // keys are in the points
};

}  // namespace jl::modbus

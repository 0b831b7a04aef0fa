#pragma once
// Whether a unit is polled: one that leaves several requests in a row unanswered is tried rarely (operations.md 2.2,
// 2.5: 7). Private to the line; time passed in.
#include "daemon/modbus/line.hpp"

#include <random>

namespace jl::modbus {

/// The breaker of one unit. Closed: polled as planned. Open: only probes, one at a time. Given up: not even these.
class UnitBreaker {
 public:
  enum class Verdict : std::uint8_t { pass, probe, skip };
  /// How a request ended without a good answer.
  struct Failure {
    bool was_probe = false;
    Millis cost = 0;  ///< how long it kept the line waiting
  };

  /// Decides on a poll. After `probe` the next ones are skipped until that one ended.
  [[nodiscard]] Verdict admit(const LineOptions& options, Millis now);
  /// A good answer, or an exception of the unit itself: closes.
  void on_answer(Millis now);
  /// No answer, or exception 10 or 11 of a gateway. True: it opened by this.
  [[nodiscard]] bool on_unanswered(const LineOptions& options, Millis now, Failure failure, std::minstd_rand& random);
  /// An answer that does not fit the request: the unit is there, but no better for it.
  void on_malformed(const LineOptions& options, Millis now, Failure failure, std::minstd_rand& random);
  /// The probe ended without having been tried.
  void drop_probe() { probing_ = false; }
  /// Given up: probes again, the first at once.
  void resume(Millis now);
  /// Takes a changed LineOptions::breaker.
  void configure(const LineOptions& options, Millis now);

  [[nodiscard]] bool is_open() const { return open_; }
  /// Its last request was not answered.
  [[nodiscard]] bool is_doubtful() const { return unanswered_ != 0; }
  [[nodiscard]] bool is_given_up() const { return given_up_; }
  void describe(UnitState& state) const;

 private:
  void put_off(const LineOptions& options, Millis now, Millis cost, std::minstd_rand& random);
  void close(Millis now);
  bool gives_up(const LineOptions& options, Millis now);

  bool open_ = false;
  bool given_up_ = false;
  bool probing_ = false;
  std::uint32_t unanswered_ = 0;
  Millis delay_ = 0;  // until the next probe, before jitter
  Millis next_try_ = 0;
  Millis since_ = 0;          // of open_
  Millis failing_since_ = 0;  // what kGiveUp counts from
};

}  // namespace jl::modbus

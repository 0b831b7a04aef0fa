#pragma once
// The requests of one connection: in which order they go out, which answer belongs to which, and what becomes of units
// that do not answer (operations.md 2.5: 1, 5, 6, 7). A pure machine: bytes and time come in, bytes and outcomes go
// out. One thread.
//
// Order: what people ask for (writes, then reads) before what is polled; among polls the units take turns, so that a
// unit with many blocks does not push the others back. Writes of one caller keep their order.
//
// In flight: `max_in_flight` at once, with RTU one. A unit whose last request timed out is doubtful: over TCP its next
// ones do not count, nor does what people ask a unit that never answered (a scan), so that waiting for it keeps nobody
// else waiting. With RTU the line is busy until the time is up,
// so that its tries become rare: at most a tenth of the line's time.
//
// Late answers: over TCP the transaction id tells; what was not asked for, by id, unit and function, is dropped and
// counted. RTU has no ids: after a timeout the same unit is not asked again before the late answer came or as much time
// again has passed, and an answer must fit the request that waits in unit, function and length.
#include "daemon/modbus/stats.hpp"
#include "daemon/wire/modbus/frame.hpp"

#include "common/base/time.hpp"
#include "common/model/modbus.hpp"

#include <functional>
#include <memory>

namespace jl::modbus {

struct LineOptions {
  bool rtu = false;  ///< RTU frames (serial, or over TCP) instead of MBAP
  Millis request_timeout = 2000;
  Millis request_delay = 0;  ///< between the end of one and the next, on the whole line
  Millis error_delay = 0;    ///< after a timeout or exception, for that unit
  std::size_t max_in_flight = 1;
  model::ModbusBreaker breaker = model::ModbusBreaker::lower_frequency;
  unsigned breaker_threshold = 3;
  Millis broadcast_delay = 100;  ///< after a broadcast, which nobody answers (serial line §2.4.1)
  /// RTU: silence that ends a frame for sure.
  Millis silence = 50;
};

/// How a request ended.
struct Outcome {
  enum class Kind : std::uint8_t {
    ok,
    exception,  ///< the server said no; `exception` tells why
    timeout,    ///< no answer in time
    malformed,  ///< an answer that does not fit the request
    skipped,    ///< a poll of a unit that does not answer was left out (breaker)
    closed,     ///< the connection went, or was not there
    cancelled,  ///< by clear()
  };
  Kind kind = Kind::closed;
  std::uint8_t exception = 0;
  std::string_view data{};  ///< ok: of reads; valid during the call
  Millis rtt = 0;           ///< ok, exception: from the request's last byte handed over
  std::string problem{};    ///< for people, of all but ok: "no answer within 2000 ms", "illegal data address (2)"
};

enum class Priority : std::uint8_t { write, read, poll };

struct Order {
  std::uint8_t unit = 1;  ///< 0 = broadcast: writes only; ends ok when it is sent
  wire::modbus::Request request;
  Priority priority = Priority::poll;
  Millis timeout = 0;                          ///< 0 = the line's
  std::function<void(const Outcome&)> done{};  ///< called once; it may submit() again
};

/// What a line has its owner do.
class LineHouse {
 public:
  virtual ~LineHouse() = default;
  virtual void send(std::string_view frame) = 0;
  /// The line answers no more although requests were sent, or its bytes make no sense: connect anew. on_closed() is
  /// expected next. `why` is for people.
  virtual void reconnect(std::string why) = 0;
};

/// How one unit does.
struct UnitState {
  std::uint8_t unit = 0;
  bool answers = true;           ///< false: the breaker is open
  bool stopped = false;          ///< breaker Break: given up until resume()
  std::uint32_t unanswered = 0;  ///< timeouts in a row, exceptions 10 and 11 included
  Millis next_try = 0;           ///< steady; of one that does not answer
  Millis since = 0;              ///< steady; of `answers`
  UnitStats stats;
};

class Line {
 public:
  static constexpr std::size_t kMaxWaiting = 1'024;  ///< of people's requests; polls are bounded by their schedule
  static constexpr unsigned kSilentTimeouts = 3;     ///< in a row without any byte from the peer: half-open
  /// Bytes in a row that belong to no answer somebody waits for: the peer floods, and the connection is given up.
  static constexpr std::size_t kMaxUnasked = 256 * 1024;
  static constexpr Millis kFirstProbe = 1'000, kLastProbe = 60'000;
  static constexpr Millis kGiveUp = 600'000;  ///< breaker Break

  /// `seed` is for transaction ids and the jitter of probes.
  Line(const LineOptions& options, LineHouse& house, std::uint32_t seed);
  ~Line();
  Line(const Line&) = delete;

  /// Takes other options from the next request on. `rtu` stays what it was.
  void configure(const LineOptions& options);
  void on_open(Millis now);
  /// The connection is gone: what was in flight and what people wait for ends as `closed`; polls likewise.
  void on_closed(Millis now, std::string_view why);
  void on_bytes(Millis now, std::string_view bytes);
  void on_time(Millis now);
  /// When on_time() is wanted next, steady; kNever = not at all.
  static constexpr Millis kNever = INT64_MAX;
  [[nodiscard]] Millis next_time() const;

  /// Queues a request that wire::modbus::check() accepts. Its outcome may come within the call. Errors: busy (too many
  /// wait), connection_lost (not open), invalid.
  Status submit(Millis now, Order order);
  /// Ends everything that waits or is in flight as `cancelled`.
  void clear();
  /// Tries units that were given up again.
  void resume(Millis now);
  [[nodiscard]] bool is_open() const;
  /// Whether polls of this unit are left out now; its probe is due when on_time() says so: a poll that is submitted at
  /// or after UnitState::next_try is the probe.
  [[nodiscard]] bool answers(std::uint8_t unit) const;
  [[nodiscard]] std::vector<UnitState> units() const;
  [[nodiscard]] const LineStats& stats() const;
  [[nodiscard]] std::size_t in_flight() const;
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl::modbus

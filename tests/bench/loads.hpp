#pragma once
// What the load generator can do to a server. Each prints one line of figures on standard output.
#include "tests/bench/peer_set.hpp"
#include "tests/bench/process_usage.hpp"

#include <chrono>

namespace jl::bench {

/// From its making on: what a server and the generator itself use.
class Meter {
 public:
  explicit Meter(int server_pid);
  [[nodiscard]] double seconds() const;
  [[nodiscard]] double server_cpu() const;     ///< seconds
  [[nodiscard]] double generator_cpu() const;  ///< seconds
  /// "RATE SERVER_CPU GENERATOR_CPU": things per second, microseconds of CPU time per thing.
  void print(std::uint64_t things) const;

 private:
  const int server_pid_;
  const double server_before_, generator_before_;
  const std::chrono::steady_clock::time_point start_;
};

/// One of many reports of 140 bytes, made beforehand so that making them is no part of a run.
[[nodiscard]] std::string_view property_report(std::uint64_t n);

/// Devices publish property reports. Prints rate and CPU time per message.
void publish_reports(const Options& options);
/// One application publishes to `connections` others, all on one topic. Prints rate and CPU time per delivery.
void relay(const Options& options);
/// Connects, waits for CONNACK, disconnects: `messages` times, `window` at once. Prints rate and CPU time per connect.
void connect_again(const Options& options);
/// Connections that only keep alive. Prints "BYTES SERVER GENERATOR": resident memory per connection, and the
/// percentage of one core that each process uses while they are idle.
void hold_idle(const Options& options);

}  // namespace jl::bench

#pragma once
// What a run costs: time, and the CPU time of the server and of the generator.
#include <chrono>
#include <cstdint>

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

}  // namespace jl::bench

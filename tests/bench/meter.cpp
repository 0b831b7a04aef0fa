#include "tests/bench/meter.hpp"

#include "tests/bench/process_usage.hpp"

#include <unistd.h>

#include <cstdio>

namespace jl::bench {

Meter::Meter(int server_pid)
    : server_pid_(server_pid),
      server_before_(usage_of(server_pid).cpu_seconds),
      generator_before_(usage_of(getpid()).cpu_seconds),
      start_(std::chrono::steady_clock::now()) {}

double Meter::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

double Meter::server_cpu() const { return usage_of(server_pid_).cpu_seconds - server_before_; }

double Meter::generator_cpu() const { return usage_of(getpid()).cpu_seconds - generator_before_; }

void Meter::print(std::uint64_t things) const {
  const auto count = static_cast<double>(things);
  std::printf("%.0f %.2f %.2f\n", count / seconds(), server_cpu() / count * 1e6, generator_cpu() / count * 1e6);
}

}  // namespace jl::bench

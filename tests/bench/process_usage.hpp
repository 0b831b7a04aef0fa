#pragma once
// What another process has used so far, from /proc.
#include <cstdint>

namespace jl::bench {

struct ProcessUsage {
  double cpu_seconds = 0;       ///< user and system time of all its threads
  std::uint64_t rss_bytes = 0;  ///< resident memory now
};

/// Ends the program when there is no such process.
[[nodiscard]] ProcessUsage usage_of(int pid);

}  // namespace jl::bench

#pragma once
// What tests/bench/run asks of the load generator.
#include <cstdint>
#include <string>

namespace jl::bench {

struct Options {
  std::string mode, prefix = "bench-", product = "bench", username, password;
  std::string command;  ///< upgrade: what makes the server begin; "" = one more connection tells the devices
  std::string urls;     ///< upgrade: devices only say that they heard; what they are to fetch goes into this file
  int pid = 0, qos = 0;
  bool tls = false;
  std::uint16_t port = 0, keep_alive = 0;
  std::uint64_t connections = 100, window = 1, messages = 100'000;
  std::uint64_t seconds = 10;  ///< idle: how long the CPU time is watched
};

/// Ends the program with a line of usage when they are wrong.
[[nodiscard]] Options parse_options(int argc, char** argv);

}  // namespace jl::bench

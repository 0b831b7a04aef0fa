#pragma once
// What the load generator can do to a server. Each prints one line of figures on standard output.
#include "tests/bench/meter.hpp"
#include "tests/bench/peer_set.hpp"
#include "tests/bench/process_usage.hpp"
#include "tests/bench/property_report.hpp"

namespace jl::bench {

/// Devices publish property reports. Prints rate and CPU time per message.
void publish_reports(const Options& options);
/// One application publishes to `connections` others, all on one topic. Prints rate and CPU time per delivery.
void relay(const Options& options);
/// Connects, waits for CONNACK, disconnects: `messages` times, `window` at once. Prints rate and CPU time per connect.
void connect_again(const Options& options);
/// Connections that only keep alive. Prints "BYTES SERVER GENERATOR": resident memory per connection, and the
/// percentage of one core that each process uses while they are idle.
void hold_idle(const Options& options);
/// Devices are told UPGRADE_FIRMWARE, acknowledge, and say that they are done. Prints "RATE SECONDS SERVER GENERATOR":
/// devices told per second between the first and the last, time from the beginning until the server has acknowledged
/// all that they said, microseconds of CPU time per device.
void upgrade_devices(const Options& options);

}  // namespace jl::bench

// Connections themselves: how fast they come, and what they cost while nothing happens.
#include "tests/bench/loads.hpp"

#include <algorithm>
#include <cstdio>

namespace jl::bench {

void connect_again(const Options& options) {
  PeerSet peers(options);
  peers.connect(1);  // the first login of a user may cost more on purpose
  const Meter meter(options.pid);
  std::uint64_t begun = 0, ended = 0;
  while (ended < options.messages) {
    for (; begun < options.messages && begun - ended < options.window; ++begun) peers.add();
    peers.for_each_event([&](std::size_t index) {
      MqttPeer& peer = peers[index];
      peer.receive();
      if (!peer.connected()) return;
      peer.disconnect();
      peer.flush();
      peers.remove(index);
      ++ended;
    });
  }
  meter.print(options.messages);
}

void hold_idle(const Options& options) {
  // The server has served some before, so that what it sets up once is not counted.
  Options few = options;
  few.connections = 100;
  few.prefix += "warm-";
  PeerSet warm_up(few);
  warm_up.connect(few.connections);
  const std::uint64_t before = usage_of(options.pid).rss_bytes;
  PeerSet peers(options);
  peers.connect(options.connections);
  const std::uint64_t after = usage_of(options.pid).rss_bytes;

  // Their pings are spread evenly over the keep alive.
  const Meter meter(options.pid);
  std::size_t next = 0;
  const auto all = static_cast<double>(peers.size());
  const auto watched = static_cast<double>(options.seconds);
  for (double now = 0; now < watched; now = meter.seconds()) {
    if (options.keep_alive > 0) {
      const auto due = static_cast<std::size_t>(all * std::min(1.0, now / options.keep_alive));
      for (; next < due; ++next) {
        peers[next].ping();
        peers[next].flush();
      }
    }
    peers.for_each_event([&](std::size_t index) { peers[index].receive(); }, 20);
  }
  const double per_connection = (static_cast<double>(after) - static_cast<double>(before)) / all;
  std::printf("%.0f %.2f %.2f\n", per_connection, meter.server_cpu() / watched * 100,
              meter.generator_cpu() / watched * 100);
}

}  // namespace jl::bench

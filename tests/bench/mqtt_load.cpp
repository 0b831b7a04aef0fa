// Load on a local MQTT server, and what it costs the server and the generator. See tests/bench/run.
#include "tests/bench/loads.hpp"

#include <sys/resource.h>

namespace jl::bench {
namespace {

void allow_many_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

}  // namespace jl::bench

int main(int argc, char** argv) {
  using namespace jl::bench;
  const Options options = parse_options(argc, argv);
  allow_many_files();
  if (options.mode == "publish") {
    publish_reports(options);
  } else if (options.mode == "relay") {
    relay(options);
  } else if (options.mode == "connect") {
    connect_again(options);
  } else if (options.mode == "idle") {
    hold_idle(options);
  } else if (options.mode == "upgrade") {
    upgrade_devices(options);
  } else {
    die("the first word is publish, relay, connect, idle or upgrade");
  }
}

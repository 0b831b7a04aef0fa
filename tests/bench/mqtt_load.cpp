// Load on a local MQTT server, and what it costs the server and the generator. See tests/bench/run.
#include "tests/bench/loads.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace jl::bench {
namespace {

void allow_many_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

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
  } else {
    die("the first word is publish, relay, connect or idle");
  }
}

#include "tests/bench/load_options.hpp"

#include "tests/bench/mqtt_peer.hpp"

#include <cstdlib>
#include <map>

namespace jl::bench {

Options parse_options(int argc, char** argv) {
  std::map<std::string, std::string> values;
  for (int i = 2; i + 1 < argc; i += 2) values[argv[i]] = argv[i + 1];
  Options o;
  if (argc < 2 || argc % 2 != 0) {
    die("usage: jl_bench_mqtt publish|relay|idle|connect|upgrade --port N --pid SERVER [--connections N] [--qos 0|1|2] "
        "[--window N] [--messages N] [--keep-alive S] [--seconds S] [--tls 0|1] [--prefix ID] [--product ID] "
        "[--username U] [--password P] [--command LINE] [--urls FILE]");
  }
  o.mode = argv[1];
  const auto number = [&](const char* name, auto& out) {
    const auto found = values.find(name);
    if (found == values.end()) return;
    out = static_cast<std::remove_reference_t<decltype(out)>>(std::strtoull(found->second.c_str(), nullptr, 10));
    values.erase(found);
  };
  const auto text = [&](const char* name, std::string& out) {
    const auto found = values.find(name);
    if (found == values.end()) return;
    out = found->second;
    values.erase(found);
  };
  number("--port", o.port), number("--pid", o.pid), number("--connections", o.connections), number("--qos", o.qos);
  number("--window", o.window), number("--messages", o.messages), number("--keep-alive", o.keep_alive);
  number("--seconds", o.seconds), number("--tls", o.tls);
  text("--prefix", o.prefix), text("--product", o.product), text("--username", o.username);
  text("--password", o.password), text("--command", o.command), text("--urls", o.urls);
  if (!values.empty()) die("unknown flag " + values.begin()->first);
  if (o.port == 0 || o.pid == 0 || o.connections == 0 || o.window == 0 || o.messages == 0 || o.qos < 0 || o.qos > 2)
    die("a flag is missing or out of range");
  return o;
}

}  // namespace jl::bench

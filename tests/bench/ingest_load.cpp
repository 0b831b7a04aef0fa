#include "tests/bench/ingest.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

namespace jl::bench {

void give_up(std::string_view what) {
  std::fprintf(stderr, "jl_bench_ingest: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

int connected_socket(int type, std::uint16_t port) {
  const int out = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof address);
  const timeval patience{20, 0};
  const int on = 1;
  if (out < 0 || setsockopt(out, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      setsockopt(out, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
      (type == SOCK_STREAM && setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) ||
      connect(out, &generic, sizeof generic) != 0)
    give_up("cannot connect to port " + std::to_string(port) + ": " + std::strerror(errno));
  return out;
}

namespace {

IngestOptions parse(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0)
    give_up(
        "usage: jl_bench_ingest coap|udp|tcp|idle-tcp|idle-http|command --pid SERVER --port N [--product ID] "
        "[--prefix ID] [--key KEY] [--connections N] [--window N] [--messages N] [--put 0|1] [--command LINE]");
  std::map<std::string_view, std::string> values;
  for (int i = 2; i + 1 < argc; i += 2) values[argv[i]] = argv[i + 1];
  const auto text = [&](std::string_view name, std::string& out) {
    if (auto node = values.extract(name)) out = std::move(node.mapped());
  };
  const auto number = [&](std::string_view name, auto& out) {
    if (const auto node = values.extract(name))
      out = static_cast<std::remove_reference_t<decltype(out)>>(std::strtoull(node.mapped().c_str(), nullptr, 10));
  };
  IngestOptions o;
  o.mode = argv[1];
  text("--product", o.product), text("--prefix", o.prefix), text("--key", o.key), text("--command", o.command);
  number("--pid", o.pid), number("--port", o.port), number("--connections", o.connections);
  number("--window", o.window), number("--messages", o.messages), number("--put", o.put);
  if (!values.empty()) give_up("unknown flag " + std::string(values.begin()->first));
  if (o.pid == 0 || o.connections == 0 || o.window == 0 || o.messages == 0 ||
      (o.mode == "command" ? o.command.empty() : o.port == 0))
    give_up("a flag is missing or out of range");
  return o;
}

}  // namespace
}  // namespace jl::bench

int main(int argc, char** argv) {
  using namespace jl::bench;
  const IngestOptions options = parse(argc, argv);
  if (options.mode == "coap" || options.mode == "udp") {
    load_datagrams(options);
  } else if (options.mode == "tcp") {
    load_streams(options);
  } else if (options.mode == "idle-tcp" || options.mode == "idle-http") {
    hold_streams(options);
  } else if (options.mode == "command") {
    load_by_command(options);
  } else {
    give_up("the first word is coap, udp, tcp, idle-tcp, idle-http or command");
  }
}

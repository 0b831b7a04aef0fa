// Connections of which nothing comes any more, and loads that another program makes.
#include "tests/bench/ingest.hpp"
#include "tests/bench/meter.hpp"
#include "tests/bench/process_usage.hpp"

#include <sys/socket.h>

#include <array>
#include <cstdio>

namespace jl::bench {
namespace {

// Opens connections, each a device, and waits until each of them has had one answer.
void hold(const IngestOptions& options, const std::string& prefix, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string device = prefix + std::to_string(i);
    const int socket = connected_socket(SOCK_STREAM, options.port);  // stays open until the program ends
    const std::string request = options.mode == "idle-tcp"
                                    ? tcp_login(options, device, 1)
                                    : "POST /" + options.product + "/" + device +
                                          "/online HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                                          options.key + "\r\nContent-Length: 2\r\n\r\n{}";
    std::array<char, 4096> answer{};
    if (send(socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      give_up("cannot send");
    const auto n = recv(socket, answer.data(), answer.size(), 0);
    if (n <= 0) give_up("no answer on connection " + std::to_string(i));
    const std::string_view text(answer.data(), static_cast<std::size_t>(n));
    const bool good = options.mode == "idle-tcp" ? text.size() > 4 && (text[4] == 1 || text.back() == 0)
                                                 : text.substr(0, 10) == "HTTP/1.1 2";
    if (!good) give_up("connection " + std::to_string(i) + " is refused");
  }
}

}  // namespace

void hold_streams(const IngestOptions& options) {
  // The server has served some before, so that what it sets up once is not counted.
  hold(options, options.prefix + "warm-", 100);
  const std::uint64_t before = usage_of(options.pid).rss_bytes;
  hold(options, options.prefix, options.connections);
  const std::uint64_t after = usage_of(options.pid).rss_bytes;
  std::printf("%.0f\n",
              (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(options.connections));
}

void load_by_command(const IngestOptions& options) {
  const Meter meter(options.pid);
  FILE* pipe = popen(options.command.c_str(), "r");
  if (pipe == nullptr) give_up("cannot run " + options.command);
  std::array<char, 512> line{};
  std::string last;
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) last = line.data();
  const int status = pclose(pipe);
  double count = 0, rate = 0, p99 = 0, failed = 0;
  if (status != 0 || std::sscanf(last.c_str(), "%lf %lf %lf %lf", &count, &rate, &p99, &failed) != 4 || count < 1)
    give_up("no figures from " + options.command);
  if (failed > 0) give_up(std::to_string(static_cast<std::uint64_t>(failed)) + " requests have failed");
  std::printf("%.0f %.0f %.2f\n", rate, p99, meter.server_cpu() / count * 1e6);
}

}  // namespace jl::bench

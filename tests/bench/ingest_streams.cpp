// TCP: a gateway acknowledges a login only, so a batch of reports ends with a frame that it does answer.
#include "tests/bench/ingest.hpp"
#include "tests/bench/meter.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace jl::bench {
namespace {

constexpr std::uint16_t kLoginNumber = 0x7fff;

class Device {
 public:
  Device(const IngestOptions& options, const std::string& id)
      : socket_(connected_socket(SOCK_STREAM, options.port)), id_(id), messages_(tcp_messages(id)) {
    expected_ = kLoginNumber;
    send_all(tcp_login(options, id, kLoginNumber));
    while (!receive()) {
    }
  }

  /// Sends `count` reports and the fence behind them.
  void send_batch(std::uint64_t count) {
    std::string out;
    for (std::uint64_t i = 0; i < count; ++i) out += messages_.variants[next_++ % messages_.variants.size()];
    expected_ = static_cast<std::uint16_t>(1 + batch_++ % 1000);
    send_all(out + tcp_fence(id_, expected_));
  }

  /// Takes what has come; true when the answer that ends the batch (or the login) is among it.
  bool receive() {
    std::array<char, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv fills what is read
    const auto n = recv(socket_, buffer.data(), buffer.size(), 0);
    if (n <= 0) give_up("the server has closed a connection or is silent");
    in_.append(buffer.data(), static_cast<std::size_t>(n));
    bool ended = false;
    std::size_t at = 0;
    while (in_.size() - at >= 4) {
      const std::size_t length = number(at, 4);
      if (length < 13 || length > 4096) give_up("not a frame of the official protocol");
      if (in_.size() - at < 4 + length) break;
      const bool answers = number(at + 13, 2) == expected_;
      if (answers && expected_ == kLoginNumber && in_[at + 4] == 2 && in_[at + 3 + length] != 0)
        give_up("the server has refused a login");
      ended = ended || answers;
      at += 4 + length;
    }
    in_.erase(0, at);
    return ended;
  }

  [[nodiscard]] int socket() const { return socket_; }

 private:
  void send_all(const std::string& bytes) const {
    for (std::size_t at = 0; at < bytes.size();) {
      const auto n = send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) give_up("the server does not take what it is sent");
      at += static_cast<std::size_t>(n);
    }
  }

  [[nodiscard]] std::size_t number(std::size_t at, std::size_t bytes) const {
    std::size_t out = 0;
    for (std::size_t i = 0; i < bytes; ++i) out = out << 8U | static_cast<unsigned char>(in_[at + i]);
    return out;
  }

  int socket_;
  std::string id_, in_;
  Messages messages_;
  std::uint16_t expected_ = 0;
  std::uint64_t next_ = 0, batch_ = 0;
};

}  // namespace

void load_streams(const IngestOptions& options) {
  std::vector<Device> devices;
  std::vector<pollfd> polled;
  for (std::uint64_t i = 0; i < options.connections; ++i) {
    devices.emplace_back(options, options.prefix + std::to_string(i));
    polled.push_back({devices.back().socket(), POLLIN, 0});
  }
  const Meter meter(options.pid);
  std::uint64_t left = options.messages, busy = 0;
  const auto refill = [&](Device& device) {
    const std::uint64_t share = std::min(options.window, left);
    if (share == 0) return;
    left -= share;
    ++busy;
    device.send_batch(share);
  };
  for (Device& device : devices) refill(device);
  while (busy > 0) {
    if (poll(polled.data(), polled.size(), 20'000) <= 0) give_up("the server has not answered for 20 s");
    for (std::size_t i = 0; i < devices.size(); ++i) {
      if (polled[i].revents == 0 || !devices[i].receive()) continue;
      --busy;
      refill(devices[i]);
    }
  }
  const auto count = static_cast<double>(options.messages);
  const double seconds = meter.seconds();
  std::printf("%.0f - %.2f\n", count / seconds, meter.server_cpu() / count * 1e6);
}

}  // namespace jl::bench

// CoAP and UDP: every message is answered, several sockets have several on their way.
#include "tests/bench/ingest.hpp"
#include "tests/bench/meter.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

namespace jl::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kResendAfter = std::chrono::seconds(2);  // CoAP's ACK_TIMEOUT (RFC 7252 §4.8)
constexpr int kMostResends = 5;

std::uint16_t number_in(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[at]) << 8U) |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

class Datagrams {
 public:
  explicit Datagrams(const IngestOptions& options) : options_(options), coap_(options.mode == "coap") {
    // A message id must not come back within EXCHANGE_LIFETIME, 247 s (RFC 7252 §4.4).
    if (options.messages / options.connections > 60'000) give_up("too many messages for so few sockets");
    for (std::uint64_t i = 0; i < options.connections; ++i) {
      const std::string device = options.prefix + std::to_string(i);
      peers_.push_back({connected_socket(SOCK_DGRAM, options.port),
                        coap_ ? coap_messages(options, device) : udp_messages(options, device)});
      polled_.push_back({peers_.back().socket, POLLIN, 0});
    }
    latencies_.reserve(options.messages);
  }

  void run() {
    const Meter meter(options_.pid);
    left_ = options_.messages;
    for (Peer& peer : peers_) refill(peer);
    while (latencies_.size() < options_.messages) {
      const int ready = poll(polled_.data(), polled_.size(), 500);
      for (std::size_t i = 0; ready > 0 && i < peers_.size(); ++i) {
        if (polled_[i].revents != 0) receive(peers_[i]);
      }
      resend_late();
    }
    const auto count = static_cast<double>(options_.messages);
    const double seconds = meter.seconds(), cpu = meter.server_cpu();
    const auto p99 = latencies_.begin() + static_cast<std::ptrdiff_t>(latencies_.size() * 99 / 100);
    std::nth_element(latencies_.begin(), p99, latencies_.end());
    std::printf("%.0f %.0f %.2f\n", count / seconds, *p99, cpu / count * 1e6);
    if (resent_ > 0) std::fprintf(stderr, "%s: sent again: %llu\n", options_.mode.c_str(), resent_);
  }

 private:
  struct Waiting {
    Clock::time_point first, last;
    std::string bytes;
    int resends = 0;
  };
  struct Peer {
    int socket;
    Messages messages;
    std::map<std::uint16_t, Waiting> waiting = {};
    std::uint16_t next = 1;
  };

  void refill(Peer& peer) {
    while (left_ > 0 && peer.waiting.size() < options_.window) {
      --left_;
      const std::uint16_t number = peer.next++;
      std::string bytes = peer.messages.variants[left_ % peer.messages.variants.size()];
      bytes[peer.messages.number_at] = static_cast<char>(number >> 8U);
      bytes[peer.messages.number_at + 1] = static_cast<char>(number & 0xffU);
      const auto now = Clock::now();
      if (send(peer.socket, bytes.data(), bytes.size(), 0) < 0) give_up("cannot send a datagram");
      peer.waiting.emplace(number, Waiting{now, now, std::move(bytes)});
    }
  }

  void receive(Peer& peer) {
    std::array<char, 2048> buffer{};
    for (;;) {
      const auto n = recv(peer.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n < 0) break;
      const std::string_view answer(buffer.data(), static_cast<std::size_t>(n));
      const auto found = peer.waiting.find(coap_ ? answered_by_coap(answer) : answered_by_udp(answer));
      if (found == peer.waiting.end()) continue;  // the answer to one that was sent again
      latencies_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - found->second.first).count());
      peer.waiting.erase(found);
    }
    refill(peer);
  }

  // The acknowledgement carries the response (RFC 7252 §5.2.1).
  static std::uint16_t answered_by_coap(std::string_view answer) {
    if (answer.size() < 4 || (static_cast<unsigned char>(answer[0]) >> 4U) != 6U) give_up("not a CoAP acknowledgement");
    const auto code = static_cast<unsigned char>(answer[1]);
    if (code >> 5U != 2U) give_up("CoAP answer " + std::to_string(code >> 5U) + ".0" + std::to_string(code & 31U));
    return number_in(answer, 2);
  }

  // An acknowledgement of the gateway, or the datagram itself.
  static std::uint16_t answered_by_udp(std::string_view answer) {
    const std::size_t head = answer.size() < 3 ? 0 : 3U + number_in(answer, 1);
    if (head == 0 || answer.size() < head + 13) give_up("not an answer of the official protocol");
    if (answer[head] == 2 && answer.back() != 0) give_up("the server has refused a report");
    return number_in(answer, head + 9);
  }

  void resend_late() {
    const auto now = Clock::now();
    if (now - looked_ < std::chrono::milliseconds(500)) return;
    looked_ = now;
    for (Peer& peer : peers_) {
      for (auto& [number, waiting] : peer.waiting) {
        if (now - waiting.last < kResendAfter) continue;
        if (++waiting.resends > kMostResends) give_up("the server does not answer");
        waiting.last = now;
        ++resent_;
        send(peer.socket, waiting.bytes.data(), waiting.bytes.size(), 0);
      }
    }
  }

  const IngestOptions& options_;
  const bool coap_;
  std::vector<Peer> peers_;
  std::vector<pollfd> polled_;
  std::vector<double> latencies_;
  std::uint64_t left_ = 0;
  unsigned long long resent_ = 0;
  Clock::time_point looked_ = Clock::now();
};

}  // namespace

void load_datagrams(const IngestOptions& options) { Datagrams(options).run(); }

}  // namespace jl::bench

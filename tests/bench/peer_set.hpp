#pragma once
// Many peers in one thread, waiting in epoll together.
#include "tests/bench/load_options.hpp"
#include "tests/bench/mqtt_peer.hpp"

#include <sys/epoll.h>

#include <array>
#include <optional>
#include <vector>

namespace jl::bench {

class PeerSet {
 public:
  static constexpr std::size_t kHandshakesAtOnce = 64;  ///< below every server's listen backlog
  static constexpr int kPatienceMillis = 60'000;        ///< without any event, before the run is given up

  explicit PeerSet(const Options& options);
  ~PeerSet();
  PeerSet(const PeerSet&) = delete;

  /// Starts one more connection, with the client id `prefix` and its number. A peer that is removed leaves its place.
  std::size_t add();
  void remove(std::size_t index);
  /// Opens `count` connections and waits until the server has admitted all.
  void connect(std::size_t count);

  [[nodiscard]] MqttPeer& operator[](std::size_t index) { return *peers_[index]; }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }
  [[nodiscard]] std::string id_of(std::size_t index) const { return options_.prefix + std::to_string(index); }

  /// Waits for events once, writes what waits to be written, and calls `handle(index)` for each peer that has one.
  /// Without a limit of time, the program ends when nothing comes.
  template <class Handler>
  void for_each_event(Handler handle, int wait_millis = kPatienceMillis) {
    std::array<epoll_event, 512>
        events;  // NOLINT(cppcoreguidelines-pro-type-member-init): epoll_wait fills what is read
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_millis);
    if (n <= 0 && wait_millis == kPatienceMillis) die("the server has not answered for 60 s");
    for (int i = 0; i < n; ++i) {
      const std::size_t index = events[static_cast<std::size_t>(i)].data.u64;
      if (!peers_[index]) continue;
      if (peers_[index]->has_output()) peers_[index]->flush();
      handle(index);
    }
  }

 private:
  const Options options_;
  int epoll_;
  SSL_CTX* tls_ = nullptr;
  std::vector<std::optional<MqttPeer>> peers_;
};

}  // namespace jl::bench

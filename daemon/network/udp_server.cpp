#include "daemon/network/udp_server.hpp"

#include "common/base/assert.hpp"
#include "daemon/network/bind.hpp"
#include "daemon/network/udp_lane.hpp"

#include <chrono>
#include <future>
#include <utility>

namespace jl::network {
namespace {

constexpr std::chrono::seconds kStopLimit{5};

class LanesServer final : public UdpServer {
 public:
  LanesServer(std::shared_ptr<UdpComponent> shared, std::vector<DatagramSocket> sockets, IoThreads& threads)
      : shared_(std::move(shared)), port_(bound_port(sockets.front().fd())) {
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      lanes_.push_back(std::make_shared<UdpSocketLane>(shared_, std::move(sockets[i]), threads.at(i)));
    }
    for (const auto& lane : lanes_) UdpSocketLane::start(lane);
  }
  ~LanesServer() override { close(); }

  void stop() override { close(); }
  void update(const UdpServerOptions& options) override { shared_->set_options(options); }
  std::uint16_t port() const override { return port_; }
  const UdpCounters& counters() const override { return shared_->counters; }

 private:
  void close() {
    std::vector<std::future<void>> closed;
    for (const auto& lane : std::exchange(lanes_, {})) {
      JL_ASSERT(!lane->thread().is_current());
      auto done = std::make_shared<std::promise<void>>();
      closed.push_back(done->get_future());
      UdpSocketLane::stop(lane, [done] { done->set_value(); });
    }
    // Ends at once when the threads have stopped and dropped the work; the limit is for a commit that takes long.
    const auto limit = std::chrono::steady_clock::now() + kStopLimit;
    for (const auto& each : closed) each.wait_until(limit);
  }

  const std::shared_ptr<UdpComponent> shared_;
  const std::uint16_t port_;
  std::vector<std::shared_ptr<UdpSocketLane>> lanes_;
};

/// Nobody: for asking whether a context is of any use.
class NoOutput final : public DtlsOutput {
  void transmit(const PeerAddress&, std::string_view, std::int32_t) override {}
};

}  // namespace

Result<std::unique_ptr<UdpServer>> UdpServer::start(const UdpServerOptions& options, IoThreads& threads,
                                                    std::shared_ptr<UdpServerHandler> handler) {
  auto shared = std::make_shared<UdpComponent>(options, std::move(handler));
  if (options.dtls != nullptr) {
    NoOutput nowhere;
    JL_TRY([[maybe_unused]] const auto tried, DtlsSession::listen(options.dtls, shared->cookies, nowhere));
  }
  JL_TRY(auto sockets, DatagramSocket::open(options.host, options.port, threads.size()));
  return std::unique_ptr<UdpServer>(std::make_unique<LanesServer>(std::move(shared), std::move(sockets), threads));
}

}  // namespace jl::network

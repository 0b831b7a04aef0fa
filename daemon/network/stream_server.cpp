#include "daemon/network/stream_server.hpp"

#include "common/base/assert.hpp"

#include <fmt/format.h>
#include <mutex>

namespace jl::network {
namespace {

constexpr std::uint32_t kMaxOverLimit = 256;               // connections that wait to hear that there are too many
constexpr std::chrono::milliseconds kOverLimitTime{2000};  // for each of them
constexpr std::chrono::milliseconds kForceTime{5000};      // for the threads to close what is left
constexpr Millis kRateWindow = 1000;

template <class Each>
void post_to_all(const std::shared_ptr<StreamComponent>& component, Each each) {
  for (StreamLane& lane : component->lanes()) {
    lane.thread->post([component, &lane, each] { each(lane); });
  }
}

/// Takes accepted sockets in, on the listener's thread.
class Intake {
 public:
  Intake(std::shared_ptr<StreamComponent> component, IoThread& thread, StreamServer::Make make)
      : component_(std::move(component)), thread_(thread), make_(std::move(make)) {}

  /// Gives an accepted socket to the thread whose turn it is, or refuses it when there are too many.
  void take(Stream stream, const PeerAddress& peer) {
    const auto options = component_->stream_options();
    auto& counters = component_->counters;
    add(counters.accepted);
    if (is_too_fast(options->max_connect_rate)) {
      add(counters.rate_limited);
      add(counters.rejected);
      return report(peer, fmt::format("rate={}/s", options->max_connect_rate));
    }
    const bool over_limit = component_->within_limit() >= options->max_connections;
    if (over_limit) {
      add(counters.over_limit);
      report(peer, fmt::format("limit={}", options->max_connections));
      if (component_->over_limit() >= kMaxOverLimit) return add(counters.rejected);
    }
    StreamLane& lane = component_->next_lane();
    const std::chrono::milliseconds limit = over_limit ? kOverLimitTime : options->connect_timeout;
    lane.thread->post(
        [limit, connection = make_(lane, std::move(stream), peer, over_limit)] { connection->start(limit); });
  }

 private:
  bool is_too_fast(std::uint32_t most) {
    if (most == 0) return false;
    const Millis now = thread_.timers().now();
    if (now - window_start_ >= kRateWindow) {
      window_start_ = now;
      in_window_ = 0;
    }
    return ++in_window_ > most;
  }
  void report(const PeerAddress& peer, const std::string& detail) {
    component_->report(StreamComponent::Trouble::over_limit, peer.to_string(), detail, thread_.timers().now());
  }

  const std::shared_ptr<StreamComponent> component_;
  IoThread& thread_;
  const StreamServer::Make make_;
  Millis window_start_ = 0;
  std::uint32_t in_window_ = 0;
};

}  // namespace

Result<std::unique_ptr<StreamServer>> StreamServer::start(IoThreads& threads,
                                                          std::shared_ptr<StreamComponent> component, Make make) {
  IoThread& thread = threads.next();
  const auto options = component->stream_options();
  JL_TRY(auto listener, Listener::open(options->host, options->port, options->id, thread));
  std::unique_ptr<StreamServer> server(new StreamServer(listener, component));
  auto intake = std::make_shared<Intake>(std::move(component), thread, std::move(make));
  Listener::start(listener,
                  [intake](Stream stream, const PeerAddress& peer) { intake->take(std::move(stream), peer); });
  return server;
}

StreamServer::~StreamServer() { stop(std::chrono::milliseconds(0)); }

void StreamServer::stop(std::chrono::milliseconds drain) {
  if (stopped_) return;
  stopped_ = true;
  for (const StreamLane& lane : component_->lanes()) JL_ASSERT(!lane.thread->is_current());
  Listener::stop(listener_);
  // From here on no connection is added: those that were accepted are in the threads' queues before this.
  post_to_all(component_, [](StreamLane& lane) {
    const auto all = lane.connections;
    for (const auto& connection : all) connection->shut_down();
  });
  if (component_->wait_until_empty(drain)) return;
  post_to_all(component_, [](StreamLane& lane) {
    while (!lane.connections.empty()) lane.connections.back()->finish();
  });
  if (component_->wait_until_empty(kForceTime)) return;
  log::error(component_->logger(), "connections left open component={} connections={}",
             component_->stream_options()->id, component_->counters.connections.load());
}

void StreamServer::list(std::function<void(std::vector<ConnectionInfo>)> done) const {
  struct Gathering {
    std::mutex mutex;
    std::vector<ConnectionInfo> all;
    std::size_t lanes_left = 0;
    std::function<void(std::vector<ConnectionInfo>)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->lanes_left = component_->lanes().size();
  gathering->done = std::move(done);
  post_to_all(component_, [gathering](StreamLane& lane) {
    std::vector<ConnectionInfo> mine;
    mine.reserve(lane.connections.size());
    for (const auto& connection : lane.connections) mine.push_back(connection->info());
    const std::scoped_lock lock(gathering->mutex);
    std::move(mine.begin(), mine.end(), std::back_inserter(gathering->all));
    if (--gathering->lanes_left == 0) gathering->done(std::move(gathering->all));
  });
}

}  // namespace jl::network

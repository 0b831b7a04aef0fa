#pragma once
// All Modbus channels of this node: which run, on which I/O thread, and the way to them from other threads.
#include "daemon/modbus/channel.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace jl::modbus {

class Channels final {
 public:
  using Points = std::vector<std::shared_ptr<const Point>>;

  /// `house` is told on the channels' threads until stop().
  Channels(network::IoThreads& threads, ChannelHouse& house);
  ~Channels();
  Channels(const Channels&) = delete;

  // Changes: one thread at a time.
  /// Starts a channel, or takes its changed configuration over; its points stay.
  void put(ChannelConfig config);
  void set_points(const std::string& channel_id, Points points);
  void erase(const std::string& channel_id);
  /// Ends all, and waits for it. Not from an I/O thread.
  void stop();

  // From any thread; answers come on the channel's thread.
  /// The thread that a channel of this id lives on, running or not.
  [[nodiscard]] network::IoThread& thread_of(std::string_view channel_id) const;
  /// Runs work on a channel's thread; nullptr when it does not run.
  void with(const std::string& channel_id, std::function<void(Channel*)> work) const;
  /// The same, waited for: false when the thread did not get round to it within a second, or is the caller's.
  bool ask(const std::string& channel_id, const std::function<void(Channel*)>& work) const;
  /// Visits all channels, thread after thread, and waits for it; those of threads that do not get round to it within a
  /// second are left out. Not from an I/O thread.
  void visit(const std::function<void(const Channel&)>& each) const;
  /// A channel that is in no store: for requests of people to places that need not be configured. Runs until erased;
  /// its id cannot be a resource's.
  [[nodiscard]] std::string put_temporary(ChannelConfig config);
  [[nodiscard]] bool runs(const std::string& channel_id) const;

 private:
  struct Home;
  /// Runs work on a home's thread and waits for it; false when that did not get round to it within a second.
  static bool run_and_wait(const std::shared_ptr<Home>& home, const std::function<void(Home&)>& work);
  Home& home_of(std::string_view channel_id) const;

  std::vector<std::shared_ptr<Home>> homes_;
  mutable std::mutex mutex_;  // running_: who runs, changed rarely
  std::set<std::string, std::less<>> running_;
  std::atomic<std::uint32_t> temporary_{0};
  bool stopped_ = false;
};

}  // namespace jl::modbus

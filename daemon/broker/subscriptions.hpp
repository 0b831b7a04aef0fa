#pragma once
// The subscriptions of one broker, as every I/O thread sees them: a change is appended to a shared list, and a thread
// brings its own tree up to date before it looks a topic up. So a publish takes no lock unless somebody subscribed
// since, and a subscription that is acknowledged is seen by every later publish, whatever thread it comes on.
#include "daemon/broker/subscription_tree.hpp"
#include "daemon/network/io_thread.hpp"

#include <atomic>
#include <deque>
#include <mutex>

namespace jl::broker {

class Subscriptions : public std::enable_shared_from_this<Subscriptions> {
 public:
  explicit Subscriptions(network::IoThreads& threads);

  /// Any thread. `filter` may be $share/group/filter.
  void add(std::string_view filter, const Subscriber& subscriber);
  void remove(std::string_view filter, const std::shared_ptr<Client>& client);
  /// The tree of this I/O thread, up to date. On that thread.
  [[nodiscard]] SubscriptionTree& tree(const network::IoThread& thread);

 private:
  static constexpr std::size_t kMaxBehind = 4096;  ///< changes after which idle threads are made to catch up
  struct Change {
    bool is_addition = false;
    std::string group, filter;
    Subscriber subscriber;
  };
  struct alignas(64) Replica {
    SubscriptionTree tree;
    std::uint64_t position = 0;  // of the next change to apply
  };
  void append(std::string_view filter, bool is_addition, const Subscriber& subscriber);
  void catch_up(std::size_t index);
  void apply(Replica& replica, const Change& change);

  network::IoThreads& threads_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::atomic<std::uint64_t> end_{0};  // position after the newest change
  std::mutex mutex_;                   // changes_, and positions for others than their own thread
  std::deque<std::shared_ptr<const Change>> changes_;
};

}  // namespace jl::broker

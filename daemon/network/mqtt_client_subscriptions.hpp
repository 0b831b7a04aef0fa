#pragma once
// Which filters are wanted and which the broker knows of. The difference becomes SUBSCRIBE and UNSUBSCRIBE.
#include "daemon/network/mqtt_client.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace jl::network {

class Subscriptions {
 public:
  /// What the broker is asked for is the prefix and the filter, nothing between. The first of equal filters wins.
  void want(const std::string& prefix, const std::vector<MqttClientFilter>& filters) {
    wanted_.clear();
    for (const auto& each : filters) wanted_.emplace(prefix + each.filter, std::min<int>(each.qos, 1));
  }
  /// A connection is up. The broker may have kept the session, so what is no longer wanted must be unsubscribed still.
  void connected(bool clean_session) {
    if (clean_session) known_.clear();
    for (auto& [filter, qos] : known_) qos = kUnknown;
  }
  /// Calls `subscribe(filter, qos)` and `unsubscribe(filter)` for what differs.
  template <class Subscribe, class Unsubscribe>
  void settle(Subscribe&& subscribe, Unsubscribe&& unsubscribe) {
    for (auto each = known_.begin(); each != known_.end();) {
      if (wanted_.contains(each->first)) {
        ++each;
      } else {
        unsubscribe(each->first);
        each = known_.erase(each);
      }
    }
    for (const auto& [filter, qos] : wanted_) {
      const auto [place, is_new] = known_.try_emplace(filter, kUnknown);
      if (place->second == qos) continue;
      place->second = qos;
      subscribe(filter, qos);
    }
  }

 private:
  static constexpr int kUnknown = -1;
  std::map<std::string, int> wanted_, known_;  // with prefix
};

}  // namespace jl::network

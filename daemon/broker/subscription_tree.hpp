#pragma once
// Who subscribes to what (MQTT 5 §4.7, §4.8): filters by level, so that a topic finds its subscribers in a walk down
// its levels. Not thread-safe; each I/O thread has a replica of its own (subscriptions.hpp).
#include "daemon/wire/mqtt/packet.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jl::broker {

class Client;

/// One subscription of one client.
struct Subscriber {
  std::shared_ptr<Client> client;
  std::uint32_t subscription_id = 0;  ///< 0 = none
  std::uint8_t qos = 0;               ///< granted
  bool no_local = false;
  bool retain_as_published = false;
};

class SubscriptionTree {
 public:
  SubscriptionTree();
  ~SubscriptionTree();
  SubscriptionTree(const SubscriptionTree&) = delete;

  /// Adds, or replaces the client's subscription of the same filter and group ("" = not shared).
  void add(std::string_view group, std::string_view filter, const Subscriber& subscriber);
  void remove(std::string_view group, std::string_view filter, const Client* client);
  /// Appends every subscription that matches, one member of each matching group among them (in turn, connected ones
  /// first). A client with several matching filters is there several times. Returns how many filters matched.
  std::size_t match(std::string_view topic, std::vector<const Subscriber*>& out);
  [[nodiscard]] bool empty() const;

 private:
  struct Group {
    std::string name;
    std::vector<Subscriber> members;
    std::size_t next = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  struct Node {
    std::unordered_map<std::string, std::unique_ptr<Node>, Hash, std::equal_to<>> children;
    std::vector<Subscriber> subscribers;
    std::vector<Group> groups;
    [[nodiscard]] bool empty() const { return children.empty() && subscribers.empty() && groups.empty(); }
  };
  static std::size_t take(Node& node, std::vector<const Subscriber*>& out);
  static std::size_t match_below(Node& node, std::string_view rest, bool wildcards,
                                 std::vector<const Subscriber*>& out);
  static bool remove_below(Node& node, std::string_view group, std::string_view rest, const Client* client);
  Node root_;
};

}  // namespace jl::broker

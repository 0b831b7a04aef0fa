#include "daemon/broker/subscription_tree.hpp"

#include "daemon/broker/client.hpp"

#include <algorithm>

namespace jl::broker {
namespace {

// Cuts the first level off; `last` says that nothing follows it ("a/" is followed by an empty level).
std::string_view cut_level(std::string_view& rest, bool& last) {
  const std::size_t slash = rest.find('/');
  last = slash == std::string_view::npos;
  const std::string_view level = rest.substr(0, slash);
  rest = last ? std::string_view() : rest.substr(slash + 1);
  return level;
}

void put(std::vector<Subscriber>& all, const Subscriber& subscriber) {
  const auto at = std::ranges::find(all, subscriber.client, &Subscriber::client);
  if (at == all.end()) {
    all.push_back(subscriber);
  } else {
    *at = subscriber;
  }
}

void drop(std::vector<Subscriber>& all, const Client* client) {
  std::erase_if(all, [&](const Subscriber& each) { return each.client.get() == client; });
}

}  // namespace

SubscriptionTree::SubscriptionTree() = default;
SubscriptionTree::~SubscriptionTree() = default;

bool SubscriptionTree::empty() const { return root_.empty(); }

void SubscriptionTree::add(std::string_view group, std::string_view filter, const Subscriber& subscriber) {
  Node* node = &root_;
  for (bool last = false; !last;) {
    const std::string_view level = cut_level(filter, last);
    auto at = node->children.find(level);
    if (at == node->children.end()) at = node->children.emplace(level, std::make_unique<Node>()).first;
    node = at->second.get();
  }
  if (group.empty()) return put(node->subscribers, subscriber);
  auto at = std::ranges::find(node->groups, group, &Group::name);
  if (at == node->groups.end()) at = node->groups.insert(at, Group{std::string(group), {}, 0});
  put(at->members, subscriber);
}

void SubscriptionTree::remove(std::string_view group, std::string_view filter, const Client* client) {
  remove_below(root_, group, filter, client);
}

// Whether the node is of no more use.
bool SubscriptionTree::remove_below(Node& node, std::string_view group, std::string_view rest, const Client* client) {
  bool last = false;
  const auto at = node.children.find(cut_level(rest, last));
  if (at == node.children.end()) return false;
  Node& child = *at->second;
  if (!last) {
    if (!remove_below(child, group, rest, client)) return false;
  } else if (group.empty()) {
    drop(child.subscribers, client);
  } else if (const auto found = std::ranges::find(child.groups, group, &Group::name); found != child.groups.end()) {
    drop(found->members, client);
    if (found->members.empty()) child.groups.erase(found);
  }
  if (!child.empty()) return false;
  node.children.erase(at);
  return node.empty();
}

std::size_t SubscriptionTree::match(std::string_view topic, std::vector<const Subscriber*>& out) {
  if (root_.children.empty()) return 0;
  // MQTT 5 §4.7.2: a wildcard at the beginning does not match topics that begin with $.
  return match_below(root_, topic, !topic.starts_with('$'), out);
}

std::size_t SubscriptionTree::match_below(Node& node, std::string_view rest, bool wildcards,
                                          std::vector<const Subscriber*>& out) {
  std::size_t filters = 0;
  bool last = false;
  const std::string_view level = cut_level(rest, last);
  const auto follow = [&](Node& child) {
    if (!last) {
      filters += match_below(child, rest, true, out);
      return;
    }
    filters += take(child, out);
    // "a/#" matches "a" as well (MQTT 5 §4.7.1.2).
    if (const auto all = child.children.find(std::string_view("#")); all != child.children.end()) {
      filters += take(*all->second, out);
    }
  };
  if (const auto exact = node.children.find(level); exact != node.children.end()) follow(*exact->second);
  if (!wildcards) return filters;
  if (const auto one = node.children.find(std::string_view("+")); one != node.children.end()) follow(*one->second);
  if (const auto all = node.children.find(std::string_view("#")); all != node.children.end()) {
    filters += take(*all->second, out);
  }
  return filters;
}

std::size_t SubscriptionTree::take(Node& node, std::vector<const Subscriber*>& out) {
  std::size_t filters = 0;
  if (!node.subscribers.empty()) ++filters;
  for (const Subscriber& each : node.subscribers) out.push_back(&each);
  for (Group& group : node.groups) {
    ++filters;
    const std::size_t count = group.members.size();
    std::size_t chosen = group.next++ % count;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t candidate = (chosen + i) % count;
      if (!group.members[candidate].client->is_connected()) continue;
      chosen = candidate;
      group.next = candidate + 1;
      break;
    }
    out.push_back(&group.members[chosen]);
  }
  return filters;
}

}  // namespace jl::broker

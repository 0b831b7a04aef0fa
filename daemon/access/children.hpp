#pragma once
// The children that a device speaks for, and their sessions on its connection (access.md 5.1). On its thread.
#include "daemon/access/context.hpp"

#include <map>

namespace jl::access {

struct Child {
  std::string product_id;
  std::shared_ptr<const Session> session;  ///< null until a message of its own opened one
};

class Children {
 public:
  static constexpr std::size_t kMax = 10'000;  ///< known at once on one connection
  /// Both must outlive it.
  Children(const Context& context, GatewayCounters& counters) : context_(context), counters_(counters) {}

  /// The child that a message speaks for; nullptr (counted and logged) when this parent may not speak for it. Valid
  /// until the next call.
  [[nodiscard]] Child* find(const std::string& child_id, const std::string& parent_id);
  /// The child if it has a session, without looking anything up.
  [[nodiscard]] const Child* online(const std::string& child_id) const;
  /// Opens a session on the connection of `carrier`, unless there is one or the child has a connection of its own.
  void open(Child& child, const std::string& child_id, const std::string& parent_id, const Session& carrier);
  void close(const std::string& child_id);
  void close_all();

 private:
  const Context& context_;
  GatewayCounters& counters_;
  std::map<std::string, Child, std::less<>> children_;
};

}  // namespace jl::access

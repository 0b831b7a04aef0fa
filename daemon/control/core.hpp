#pragma once
// What the connections of one control server share. It lives on the server's thread, except where it says otherwise.
#include "daemon/control/exchange.hpp"
#include "daemon/control/server.hpp"
#include "daemon/logs/logs.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <mutex>
#include <unordered_set>
#include <utility>

namespace jl::control {

class Connection;

/// Tells who is behind an accepted socket; caller_of_socket, or what a test says.
using CallerOf = std::function<Caller(int fd)>;

/// One of a bounded number of places, given back when it goes.
class Place {
 public:
  Place() = default;
  explicit Place(std::size_t& taken) : taken_(&taken) { ++taken; }
  Place(Place&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  Place& operator=(Place&& other) noexcept {
    if (this != &other) reset(), taken_ = std::exchange(other.taken_, nullptr);
    return *this;
  }
  ~Place() { reset(); }
  void reset() {
    if (auto* taken = std::exchange(taken_, nullptr)) --*taken;
  }
  explicit operator bool() const { return taken_ != nullptr; }

 private:
  std::size_t* taken_ = nullptr;
};

struct Core {
  Core(const ServerOptions& o, Handler h, logs::AccessLog& log, const Clock& c, CallerOf who);

  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// The role that the caller has now. Any thread.
  [[nodiscard]] Role role_of(const Caller& caller) const;
  void set_roles(RoleRules rules);
  /// A request id that no other call of this daemon has.
  [[nodiscard]] std::string next_request_id();

  const ServerOptions options;
  const Handler handler;
  logs::AccessLog& access_log;
  const Clock& clock;
  const CallerOf caller_of;
  const std::uint32_t own_uid;

  std::unordered_set<std::shared_ptr<Connection>> connections;
  std::unordered_set<std::shared_ptr<Connection>> turned_away;  ///< these only wait to read that there are too many
  std::size_t pending = 0;                                      ///< calls with the handler, streams not counted
  std::size_t large_bodies = 0;  ///< bodies above kMaxBody that are being read or handled
  const std::shared_ptr<std::atomic<std::size_t>> streams = std::make_shared<std::atomic<std::size_t>>(0);
  bool is_stopping = false;

  boost::asio::io_context io{1};
  boost::asio::thread_pool disk{2};  ///< writes uploads, which would hold up every other call

 private:
  mutable std::mutex roles_mutex_;
  RoleRules roles_;
  const std::string id_prefix_;
  std::uint64_t last_id_ = 0;
};

}  // namespace jl::control

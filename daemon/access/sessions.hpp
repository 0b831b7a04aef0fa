#pragma once
// Who is connected: live device sessions by device id. Touched when sessions begin and end and when commands look for a
// device, never per message.
#include "common/base/time.hpp"
#include "daemon/network/io_thread.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace jl::access {

class DeviceSession;

/// One live session. Immutable after it is put into the registry.
struct Session {
  std::string device_id, product_id, gateway_id, network_id;
  std::string parent_id;  ///< child sessions: the gateway device that carries it
  std::string address;
  Millis since = 0;
  network::IoThread* thread = nullptr;  ///< where its connection lives
  std::weak_ptr<DeviceSession> live;  ///< what carries it, its parent's for a child; gone while it is kept online only
  [[nodiscard]] bool is_child() const { return !parent_id.empty(); }
};

class Sessions {
 public:
  [[nodiscard]] std::shared_ptr<const Session> find(std::string_view device_id) const;
  /// Puts a session in; the one it replaces comes back.
  std::shared_ptr<const Session> put(std::shared_ptr<const Session> session);
  /// Takes a session out if it is still the current one of its device.
  bool remove(const Session& session);
  /// Visits all sessions; the visitor must not call back into the registry.
  void for_each(const std::function<void(const std::shared_ptr<const Session>&)>& visit) const;
  [[nodiscard]] std::size_t count(const std::function<bool(const Session&)>& wanted) const;
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<const Session>, Hash, std::equal_to<>> map;
  };
  static constexpr std::size_t kShards = 32;
  [[nodiscard]] Shard& shard_of(std::string_view id) const { return shards_[Hash{}(id) % kShards]; }
  mutable std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace jl::access

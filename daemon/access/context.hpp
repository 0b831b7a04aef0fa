#pragma once
// What the access path stands on, handed down as one: the rooms below it and the few things it asks of those above.
#include "daemon/access/kept_sessions.hpp"
#include "daemon/access/sessions.hpp"
#include "daemon/access/traces.hpp"
#include "daemon/base/log.hpp"
#include "daemon/device/bus.hpp"
#include "daemon/device/directory.hpp"

#include <functional>

namespace jl::access {

/// A child device that a gateway device registers, or a device that describes itself (access.md 5.1).
struct Registration {
  std::string device_id, parent_id, product_id, name;
  boost::json::object configuration;
  bool self_manage_state = false;
};

/// Changes to resources that devices ask for. Implemented above; answers on any thread.
class Provisioner {
 public:
  virtual ~Provisioner() = default;
  virtual void register_device(Registration registration, std::function<void(Status)> done) = 0;
  virtual void unbind_child(std::string child_id, std::string parent_id) = 0;
  /// `metadata` is thing-model JSON text; `replace` or merge.
  virtual void derive_metadata(std::string device_id, std::string metadata, bool replace) = 0;
};

/// Counters of one gateway since the start.
struct GatewayCounters {
  std::atomic<std::uint64_t> connections{0}, rejected{0}, disconnected{0}, received{0}, undecodable{0}, refused{0},
      sent{0};
};

struct Context {
  const device::Directory& directory;
  const device::Bus& bus;
  Sessions& sessions;
  Provisioner& provisioner;
  const Clock& clock;
  /// One per I/O thread, by its index.
  std::vector<std::unique_ptr<device::TurnLog>>& logs;
  std::vector<std::unique_ptr<KeptSessions>>& kept;
  /// Who looks on; null = nobody can.
  Traces* traces = nullptr;

  [[nodiscard]] device::TurnLog& log_of(const network::IoThread& thread) const { return *logs[thread.index()]; }
  [[nodiscard]] bool is_traced(std::string_view device_id) const { return traces && traces->follows(device_id); }
};

/// Bounds what is logged of dropped messages, over all devices: anybody's device can bring them about.
inline log::RateLimit& drop_log() {
  static log::RateLimit limit;
  return limit;
}

}  // namespace jl::access

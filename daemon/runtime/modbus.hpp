#pragma once
// The Modbus side of the runtime: which channels run with which points, which devices are made of them, and their
// status. Changes come on the mutation thread; status from any thread.
#include "common/model/device.hpp"
#include "daemon/runtime/component.hpp"
#include "daemon/runtime/modbus_devices.hpp"

#include <boost/json.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace jl::runtime {

struct ResourceChange;

/// "tcp://10.0.0.7:502", "rtu:///dev/ttyUSB0": as jlctl modbus read takes it too.
[[nodiscard]] std::string address_of(const model::ModbusChannel& channel);
/// A channel's configuration as it runs. Errors: those of certs.
[[nodiscard]] Result<modbus::ChannelConfig> channel_config(const std::string& id, const model::ModbusChannel& channel,
                                                           const CertSource& certs);

class Modbus {
 public:
  Modbus(network::IoThreads& threads, const access::Context& context);
  ~Modbus();
  Modbus(const Modbus&) = delete;

  /// Reads channels, points and bindings, and starts what is enabled. Errors: storage.
  Status boot(const store::Snapshot& snapshot, const CertSource& certs);
  /// Whether the changes can be made; commit() or rollback() follows. Errors: those of certs.
  Status prepare(const std::vector<ResourceChange>& changes, const CertSource& certs);
  void commit(const std::vector<ResourceChange>& changes);
  void rollback() { prepared_.clear(); }
  /// The gateways with provider modbus-tcp.
  void attach(const std::shared_ptr<const access::AttachedGateways>& gateways) { devices_.attach(gateways); }
  void stop();

  /// The `status` member of a channel's or point's document. `fresh`: as it is this moment; else at most 250 ms old.
  [[nodiscard]] boost::json::object status_of(const model::Resource& resource, bool fresh) const;
  [[nodiscard]] modbus::Channels& channels() { return channels_; }
  /// How a channel is configured, running or not; nothing = there is none.
  [[nodiscard]] std::optional<model::ModbusChannel> channel(std::string_view id) const;
  /// The channel of a point; "" = there is no such point, or it is not known here.
  [[nodiscard]] std::string channel_of(std::string_view point_id) const;
  struct Binding {
    std::string device, property, point, channel;
    std::string quality;  ///< of the point's value
  };
  /// By device and property.
  [[nodiscard]] std::vector<Binding> bindings() const;
  /// Counters of every running channel, for metrics.
  struct Metrics {
    std::string channel;
    modbus::ChannelState state{};
    std::string reason;
    std::size_t points = 0, good = 0;
    modbus::LineStats line;
    modbus::PollerStats poller;
    std::uint64_t connects = 0, failures = 0;
  };
  [[nodiscard]] std::vector<Metrics> metrics() const;

 private:
  struct PointEntry {
    std::string name;
    bool enabled = true;
    model::ModbusPoint spec;
  };
  struct ChannelEntry {
    bool enabled = false;
    model::ModbusChannel spec;
    std::map<std::string, std::shared_ptr<const PointEntry>> points;
  };
  /// A channel's state as it was read last.
  struct Picture {
    Millis at = 0;
    boost::json::object channel;
    std::map<std::string, boost::json::object, std::less<>> points;
  };
  using PictureRef = std::shared_ptr<const Picture>;

  void take_channel(const std::string& id, const model::Resource* after);
  void take_point(const model::Resource* before, const model::Resource* after);
  void take_device(const std::string& id, const model::Resource* after);
  void publish_points(const std::string& channel_id);
  void publish_bindings();
  [[nodiscard]] PictureRef picture(const std::string& channel_id) const;

  const Clock& clock_;
  mutable std::mutex mutex_;  // channels by id: changed on the mutation thread, read by status
  std::map<std::string, ChannelEntry, std::less<>> entries_;
  std::map<std::string, std::string, std::less<>> channel_of_;          // by point
  std::map<std::string, std::vector<model::PointBinding>> devices_of_;  // by device
  std::map<std::string, modbus::ChannelConfig> prepared_;
  mutable std::mutex pictures_mutex_;
  mutable std::map<std::string, PictureRef> pictures_;
  ModbusDevices devices_;
  modbus::Channels channels_;
  bool stopped_ = false;
};

}  // namespace jl::runtime

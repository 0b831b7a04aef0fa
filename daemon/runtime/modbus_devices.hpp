#pragma once
// Devices that are made of Modbus points (gateway provider modbus-tcp): their sessions, what is read as reports, and
// reading and writing of properties at the points. Online while one of its polled points is good; a device without
// polled points while a channel of its enabled points is connected.
//
// Each device lives on one I/O thread, that of the channel of its first point, so that a report of it mostly takes no
// second thread. Channels tell what they read on their own thread.
#include "daemon/access/virtual_sessions.hpp"
#include "daemon/modbus/channels.hpp"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace jl::runtime {

class ModbusDevices final : public modbus::ChannelHouse {
 public:
  /// A property and the point that it is bound to.
  struct Bound {
    std::string property, point_id, channel_id;
    bool active = false;  ///< point and channel are enabled
    bool polled = false;  ///< active, and it has an interval
    bool operator==(const Bound&) const = default;
  };
  using Bindings = std::map<std::string, std::vector<Bound>>;  ///< by device

  ModbusDevices(const access::Context& context, network::IoThreads& threads);
  ~ModbusDevices() override;
  ModbusDevices(const ModbusDevices&) = delete;

  // On the mutation thread:
  /// The channels that the points are on; before anything else.
  void bind(modbus::Channels& channels) { channels_ = &channels; }
  /// The bindings of all devices from now on.
  void set_bindings(Bindings bindings);
  void attach(const std::shared_ptr<const access::AttachedGateways>& gateways);
  /// Devices, products or gateways changed: those that may be here now come in.
  void look_again();
  /// Ends all sessions and waits for it. Not from an I/O thread.
  void stop();

  // modbus::ChannelHouse, on the channels' threads
  void on_updates(const std::string& channel_id, std::span<const modbus::Update> updates) override;
  void on_state(const std::string& channel_id, modbus::ChannelState state) override;

 private:
  class Link;
  struct Device;
  struct Home;
  struct Item;
  struct Routes;

  /// What a channel says again for bindings that came after it was read.
  void tell_again(const modbus::Channel& channel);
  void spread(const std::string& channel_id, std::span<const modbus::Update> updates, bool again);
  void deliver(const std::shared_ptr<const Device>& device, std::vector<Item> items);
  void apply(const std::shared_ptr<Home>& home, const std::shared_ptr<const Device>& device,
             std::span<const Item> items);

  const access::Context context_;
  modbus::Channels* channels_ = nullptr;
  std::vector<std::shared_ptr<Home>> homes_;
  std::map<std::string, std::shared_ptr<const Device>> devices_;  // with bindings
  bool stopped_ = false;
};

}  // namespace jl::runtime

#pragma once
// The northbound interface: applications on MQTT read decoded device messages under /device/{productId}/{deviceId}/...
// and send commands by publishing there (access.md 5.6, 5.7).
#include "daemon/access/commands.hpp"
#include "daemon/base/published.hpp"
#include "daemon/broker/broker.hpp"
#include "daemon/device/bus.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jl::access {

/// Where everything of devices stands for applications; nothing else may be published there.
inline constexpr std::string_view kNorthbound = "/device/";

/// The topic of a device message: "/device/p/d/message/property/report". Those of children are their own.
[[nodiscard]] std::string topic_of(const codec::DeviceMessage& message, std::string_view product_id,
                                   std::string_view device_id);

/// What an application wants to send to a device, from its topic.
struct CommandTopic {
  enum class Kind : std::uint8_t { read, write, invoke } kind = Kind::read;
  std::string_view product_id, device_id;
};
/// Nothing for a topic that is no command.
[[nodiscard]] std::optional<CommandTopic> command_of(std::string_view topic);

/// Brings device messages to the brokers of all MQTT server components. Costs one load per broker and message while
/// nobody is subscribed.
class NorthboundSink final : public device::Sink {
 public:
  using Brokers = std::vector<std::shared_ptr<broker::Broker>>;
  void set_brokers(std::shared_ptr<const Brokers> brokers);
  void on_message(const device::Envelope& envelope, device::TurnLog& log) override;

 private:
  Published<Brokers> brokers_;
  std::atomic<std::uint64_t> version_{0};
};

/// Sends what an application published under a command topic. What goes wrong is answered as a failed reply on the
/// device's reply topic, as the device itself would have.
void send_command(Commands& commands, const Context& context, const std::shared_ptr<broker::Broker>& broker,
                  network::IoThread& thread, const CommandTopic& topic, std::string_view payload, Millis timeout);

}  // namespace jl::access

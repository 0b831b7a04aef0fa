#pragma once
// Messages down to devices: finds the session, wraps messages to children, sends, and matches the answer
// (access.md 5.7).
#include "daemon/access/context.hpp"
#include "daemon/access/pending.hpp"

#include <atomic>

namespace jl::access {

class Commands {
 public:
  explicit Commands(const Context& context) : context_(context) {}

  // `message_id` is what the device's answer repeats; "" = one is made.
  /// Reads properties; none named = every readable property of the thing model.
  void read(const std::string& device_id, std::vector<std::string> properties, Millis timeout, CommandDone done,
            const std::string& message_id = {});
  /// Writes properties, converted to what the thing model wants.
  void write(const std::string& device_id, const boost::json::object& properties, Millis timeout, CommandDone done,
             const std::string& message_id = {});
  /// Invokes a function with inputs by name, converted likewise.
  void invoke(const std::string& device_id, const std::string& function, const boost::json::object& inputs,
              Millis timeout, CommandDone done, const std::string& message_id = {});
  /// Sends a firmware message (wire.md 6): UPGRADE_FIRMWARE, READ_FIRMWARE or REQUEST_FIRMWARE_REPLY with its own
  /// members and, for an answer, the id of what it answers. Does not wait for the device: what it says comes over the
  /// bus.
  void firmware(const std::string& device_id, codec::MessageType type, boost::json::object body, CommandDone done);
  /// Closes the device's connection, or tells its gateway device to. Result: whether there was a session.
  void disconnect(const std::string& device_id, std::function<void(Result<bool>)> done);
  /// Whether the device is online: what its protocol says of its session, else whether there is one.
  struct State {
    bool online = false;
    bool by_protocol = false;
  };
  void check_state(const std::string& device_id, std::function<void(State)> done);
  /// Commands that wait for an answer right now.
  [[nodiscard]] std::size_t pending() const { return pending_->load(); }

 private:
  void send(const device::DeviceRecord& device, codec::MessageType type, codec::MessageType reply,
            boost::json::object body, Millis timeout, CommandDone done);
  [[nodiscard]] Result<device::DeviceRecord> active_device(const std::string& device_id) const;
  [[nodiscard]] std::string next_message_id();
  Context context_;
  std::atomic<std::uint64_t> counter_{0};
  std::shared_ptr<std::atomic<std::size_t>> pending_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace jl::access

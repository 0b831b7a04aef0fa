#pragma once
// One connected device and its children, over whatever link carries it: the walk of each of its messages through the
// pipeline of access.md 5.1, and the commands down to it (5.7). Lives on the link's thread.
#include "daemon/access/admission.hpp"
#include "daemon/access/children.hpp"
#include "daemon/access/device_link.hpp"
#include "daemon/access/pending.hpp"

#include <functional>
#include <optional>

namespace jl::access {

class DeviceSession final : public std::enable_shared_from_this<DeviceSession> {
 public:
  /// What became of an uplink message, for the transport's acknowledgement.
  enum class Uplink : std::uint8_t {
    taken,
    gone,     ///< the device may not be here any more
    nothing,  ///< it is none of the protocol's, or has nothing to tell
    refused,  ///< it does not prove to come from the device
    foreign,  ///< it names another device
    invalid,  ///< it cannot be decoded
  };

  /// Whether a device of this id may still be here, through the gateway that let it in.
  using StillWelcome = std::function<bool(std::string_view device_id, std::string_view gateway_id)>;

  /// `still_welcome` is asked when the session opens without go_online(): at the first message, or the first after the
  /// device ended it itself.
  DeviceSession(const Context& context, Admission admission, std::unique_ptr<DeviceLink> link,
                StillWelcome still_welcome);
  DeviceSession(const DeviceSession&) = delete;

  /// Puts the session into the registry, closing the one it replaces, and says ONLINE.
  void go_online();
  /// Says what the protocol says first to a device that has just come in, and then what it was sent before.
  void greet();
  /// Decodes a message and sends it on its way. What the protocol answers by itself leaves over the link.
  Uplink on_uplink(const codec::Uplink& uplink);
  /// The same; `answer` is what the protocol said, for transports that answer each message (HTTP, CoAP).
  Uplink on_uplink(const codec::Uplink& uplink, codec::Answer& answer);
  /// The device has just been registered by this message of its own: it goes online, unless it says otherwise.
  void on_registered(const codec::DeviceMessage& message);
  /// The link is over: children and the device itself go offline. `may_keep` is false when jlinkd itself ended it; else
  /// a device that asked for it is kept online.
  void on_close(bool may_keep);
  /// Takes what is known of the device now. False when another gateway or protocol serves it: end it and open another.
  [[nodiscard]] bool renew(Admission admission);
  /// Closes the link.
  void end(EndReason reason) { link_->close(reason); }

  /// Sends a message to this device or, when it is a CHILD message, through it. Answers through `done`: when the
  /// device does, or at once when `reply` is MessageType::unknown.
  void send(const codec::DownMessage& message, const std::string& target_device, codec::MessageType reply,
            Millis timeout, CommandDone done);
  /// What the protocol says of the device's state, when it has an opinion.
  [[nodiscard]] std::optional<bool> check_state() const {
    return codec_.check_state(link_->transport(), {identity_, state_.get(), true, address_});
  }
  /// Ends a child's session (it was edited, disabled or deleted).
  void drop_child(const std::string& child_id) { children_.close(child_id); }
  [[nodiscard]] const std::string& device_id() const { return identity_.device_id; }
  [[nodiscard]] const std::string& gateway_id() const { return gateway_id_; }
  [[nodiscard]] const codec::DeviceIdentity& identity() const { return identity_; }
  [[nodiscard]] const codec::Protocol& codec() const { return codec_; }
  [[nodiscard]] DeviceLink& link() const { return *link_; }
  /// How long it is to stay online without a message, when it said so (header keepOnline).
  [[nodiscard]] std::optional<Millis> keep_online() const { return keep_online_; }

 private:
  /// Opens the session: at the first message, or again after the device ended it itself; false when it may not be here
  /// any more.
  [[nodiscard]] bool come_back();
  void reply(const codec::Answer& answer);
  bool send_down(const codec::Downlink& message, std::string_view why);
  /// False when the device may not be here any more.
  bool handle(const codec::DeviceMessage& message);
  /// The same for all that one message of the wire held.
  bool handle_all(const codec::DeviceMessage& first);
  bool handle_child(const codec::DeviceMessage& message, const std::string& parent_id, int depth);
  void handle_registration(const codec::DeviceMessage& message, const std::string& parent_id);
  void publish(const codec::DeviceMessage& message, std::string_view product_id);

  Context context_;
  std::unique_ptr<DeviceLink> link_;
  const std::string address_;  // of the peer, when the session began
  network::IoThread& thread_;
  codec::DeviceIdentity identity_;
  const codec::Protocol& codec_;
  std::string network_id_, gateway_id_;
  std::shared_ptr<GatewayCounters> counters_;
  std::shared_ptr<const Session> session_;  // null while the device is offline by its own word
  Children children_;
  PendingCommands pending_;
  StillWelcome still_welcome_;
  std::unique_ptr<codec::CodecState> state_;
  bool logged_in_;       // false until a message has proven who it is (TCP)
  bool closed_ = false;  // the link may live on for a while to send its last bytes
  std::optional<Millis> keep_online_;
};

}  // namespace jl::access

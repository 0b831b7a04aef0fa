// The built-in protocol of devices whose properties are Modbus points. What travels between such a device's session and
// its points is the device message itself as JSON: the poller knows values, not messages.
#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/down_message.hpp"
#include "daemon/codec/official/json_message.hpp"
#include "daemon/codec/protocol.hpp"

namespace jl::codec {
namespace {

constexpr std::string_view kDocument =
    "# Modbus\n\n"
    "Devices with this protocol speak Modbus and know nothing of messages. Their properties are bound to the points of "
    "Modbus channels (`jlctl modbus bind DEVICE PROPERTY POINT`). What is read there becomes property reports; reading "
    "and writing properties reads and writes the points, and answers with what the slave answered.\n";

class ModbusProtocol final : public Protocol {
 public:
  ModbusProtocol() {
    auto made = std::make_shared<Descriptor>();
    made->id = "modbus-tcp";
    made->name = "Modbus 数据采集";
    made->description = "properties that are values of Modbus points: polled, read and written there";
    made->version = "1.0";
    made->transports.push_back({Transport::modbus, {}, {}, std::string(kDocument)});
    descriptor_ = std::move(made);
  }

  std::shared_ptr<const Descriptor> descriptor() const override { return descriptor_; }

  AuthOutcome authenticate(const MqttCredentials&, const DeviceIdentity&, Millis) const override {
    return AuthOutcome::unsupported;
  }
  AuthOutcome authenticate(const WebSocketCredentials&, const DeviceIdentity&) const override {
    return AuthOutcome::unsupported;
  }
  std::string_view pre_shared_key(const DeviceIdentity&) const override { return {}; }
  std::unique_ptr<CodecState> open_state(Transport) const override { return nullptr; }
  std::optional<TopicOwner> owner_of(const Uplink&) const override { return std::nullopt; }
  std::optional<TopicOwner> owner_of(const WebSocketCredentials&) const override { return std::nullopt; }
  void refuse(const Uplink&, Stranger, Millis, Answer& answer) const override { answer.clear(); }

  Result<Decoded> decode(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                         Answer& answer) const override {
    answer.clear();
    return official::decode_json_message(wire.payload, peer.device, now, out);
  }

  Result<Encoded> encode(const DownMessage& message, Transport transport, const Peer&) const override {
    Encoded encoded;
    switch (message.type) {
      case MessageType::disconnect:
        encoded.disconnect = true;
        return encoded;
      case MessageType::read_property:
      case MessageType::write_property: {
        Downlink& sent = encoded.sends.emplace_back();
        append_value(sent.payload, message.body);
        return encoded;
      }
      default:
        return official::unsupported_message(message.type, transport);
    }
  }

  bool owns_topic(std::string_view, const DeviceIdentity&) const override { return false; }

 private:
  std::shared_ptr<const Descriptor> descriptor_;
};

}  // namespace

const Protocol& modbus_protocol() {
  static const ModbusProtocol protocol;
  return protocol;
}

}  // namespace jl::codec

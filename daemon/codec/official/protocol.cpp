#include "daemon/codec/protocol.hpp"

#include "daemon/codec/official/auth.hpp"
#include "daemon/codec/official/bearer.hpp"
#include "daemon/codec/official/binary_encode.hpp"
#include "daemon/codec/official/binary_session.hpp"
#include "daemon/codec/official/coap.hpp"
#include "daemon/codec/official/config_keys.hpp"
#include "daemon/codec/official/decode.hpp"
#include "daemon/codec/official/documents.hpp"
#include "daemon/codec/official/down_message.hpp"
#include "daemon/codec/official/encode.hpp"
#include "daemon/codec/official/http.hpp"
#include "daemon/codec/official/json_message.hpp"
#include "daemon/codec/official/session_state.hpp"
#include "daemon/codec/official/topics.hpp"

namespace jl::codec {
namespace official {
namespace {
std::vector<Route> routes_of(Transport transport) {
  switch (transport) {
    case Transport::mqtt:
      return mqtt_routes();
    case Transport::http:
      return http_routes();
    case Transport::websocket:
      return websocket_routes();
    case Transport::coap:
      return coap_routes();
    case Transport::tcp:
    case Transport::udp:
    case Transport::modbus:
      break;
  }
  return {};
}

Result<Encoded> encode_http(const DownMessage& message) {
  if (message.type != MessageType::disconnect) return unsupported_message(message.type, Transport::http);
  Encoded encoded;
  encoded.disconnect = true;
  return encoded;
}

class OfficialProtocol final : public Protocol {
 public:
  OfficialProtocol() {
    auto made = std::make_shared<Descriptor>();
    made->id = "jetlinks-official";
    made->name = "JetLinks official 官方协议";
    made->description =
        "the device protocol of JetLinks, version 3: JSON on fixed topics and paths, a binary form for TCP and UDP";
    made->version = "3.0";
    // JetLinks' package declares no features, so that its products could not be upgraded: this one does speak firmware.
    made->features = {"supportFirmware"};
    for (const Transport transport : kTransports) {
      made->transports.push_back({transport, official::config_keys(transport), routes_of(transport),
                                  std::string(official::document(transport))});
    }
    descriptor_ = std::move(made);
  }

  std::shared_ptr<const Descriptor> descriptor() const override { return descriptor_; }

  AuthOutcome authenticate(const MqttCredentials& credentials, const DeviceIdentity& device,
                           Millis now) const override {
    return official::authenticate(credentials, device, now);
  }
  AuthOutcome authenticate(const WebSocketCredentials& credentials, const DeviceIdentity& device) const override {
    return official::authenticate(credentials, device);
  }
  std::string_view pre_shared_key(const DeviceIdentity& device) const override { return device.config("secureKey"); }

  std::unique_ptr<CodecState> open_state(Transport transport) const override {
    const bool remembers = transport == Transport::tcp || transport == Transport::udp || transport == Transport::coap;
    return remembers ? std::make_unique<SessionState>() : nullptr;
  }

  std::optional<TopicOwner> owner_of(const Uplink& wire) const override {
    switch (wire.transport) {
      case Transport::mqtt:
        return topic_owner(wire.topic);
      case Transport::tcp:
      case Transport::udp:
        return binary_owner(wire);
      case Transport::http:
        return path_owner(wire.topic);
      case Transport::coap:
        return coap_owner(wire);
      case Transport::modbus:
      case Transport::websocket:
        break;  // the handshake has said it
    }
    return std::nullopt;
  }
  std::optional<TopicOwner> owner_of(const WebSocketCredentials& handshake) const override {
    return socket_owner(handshake.path);
  }

  void refuse(const Uplink& wire, Stranger why, Millis now, Answer& answer) const override {
    switch (wire.transport) {
      case Transport::tcp:
      case Transport::udp:
        return refuse_binary(wire, why, now, answer);
      case Transport::http:
        return refuse_http(wire, why, answer);
      case Transport::coap:
        return refuse_coap(why, answer);
      case Transport::mqtt:
      case Transport::websocket:
      case Transport::modbus:
        answer.clear();
    }
  }

  Result<Decoded> decode(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                         Answer& answer) const override {
    switch (wire.transport) {
      case Transport::mqtt:
      case Transport::modbus:
        break;
      case Transport::tcp:
        return decode_tcp(wire, peer, now, out, answer);
      case Transport::udp:
        return decode_udp(wire, peer, now, out, answer);
      case Transport::http:
        return decode_http(wire, peer.device, now, out, answer);
      case Transport::websocket:
        answer.clear();
        return decode_json_message(wire.payload, peer.device, now, out);
      case Transport::coap:
        return decode_coap(wire, peer, now, out, answer);
    }
    return decode_mqtt(wire, peer.device, now, out, answer);
  }

  Result<Encoded> encode(const DownMessage& message, Transport transport, const Peer& peer) const override {
    switch (transport) {
      case Transport::mqtt:
      case Transport::modbus:
        break;
      case Transport::tcp:
      case Transport::udp:
        return encode_binary(message, transport, peer);
      case Transport::http:
        return encode_http(message);
      case Transport::websocket:
        return encode_json(message, peer.device, transport);
      case Transport::coap:
        return encode_coap(message, peer);
    }
    return encode_mqtt(message, peer.device);
  }

  bool owns_topic(std::string_view topic_or_filter, const DeviceIdentity& device) const override {
    return is_below_device(topic_or_filter, device.product_id, device.device_id);
  }

 private:
  std::shared_ptr<const Descriptor> descriptor_;
};
}  // namespace
}  // namespace official

const Protocol& official_protocol() {
  static const official::OfficialProtocol protocol;
  return protocol;
}

}  // namespace jl::codec

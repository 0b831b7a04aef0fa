// Arbitrary CoAP requests of the official protocol. The first byte says what the payload is (as it came, encrypted here
// with the device's key, or proven by DTLS; JSON or CBOR) and whether it is posted or observed. Then follow a line of
// path, a line of option 2100 and the payload. Whatever the codec encrypts to the device must come out again with its
// key.
#include "daemon/codec/cbor.hpp"
#include "daemon/codec/official/aes.hpp"
#include "decoded_message.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {
using namespace jl;
using namespace jl::codec;

constexpr std::string_view kKey = "0123456789abcdef";
constexpr std::uint8_t kCbor = 1, kEncrypt = 2, kProven = 4, kObserve = 8;

void check_cbor(std::string_view payload) {
  static std::string json;
  if (!cbor_to_json(payload, json)) return;
  JL_ASSERT(json.find('\n') == std::string::npos);
  // Text goes through as it is, and whoever reads the JSON judges its UTF-8; the rest must be well-formed.
  const bool is_ascii = std::all_of(json.begin(), json.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
  if (is_ascii) static_cast<void>(fuzz::parse_strictly(json));
}

void check_downlink(const Peer& peer, bool is_plain) {
  DownMessage message;
  message.type = MessageType::read_property;
  message.body = {{"messageId", "m"}};
  const auto encoded = official_protocol().encode(message, Transport::coap, peer);
  JL_ASSERT(encoded.has_value() && encoded->sends.size() == 1);
  std::string plain = encoded->sends[0].payload;
  if (!is_plain) JL_ASSERT(official::aes_decrypt(kKey, encoded->sends[0].payload, plain));
  JL_ASSERT(fuzz::parse_strictly(plain).at("messageId") == "m");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  DeviceIdentity device{"d1", "p1", {}};
  device.configuration.emplace("secureKey", Secret(std::string(kKey)));
  Uplink wire;
  wire.transport = Transport::coap;
  wire.method = (data[0] & kObserve) != 0 ? "GET" : "POST";
  wire.topic = fuzz::take_line(input);
  wire.device_option = fuzz::take_line(input);
  wire.content_format = (data[0] & kCbor) != 0 ? 60 : 50;
  if ((data[0] & kProven) != 0) wire.proven_id = "d1";
  std::string bytes(input);
  if ((data[0] & kEncrypt) != 0) JL_ASSERT(official::aes_encrypt(kKey, input, bytes));
  wire.payload = bytes;
  check_cbor(input);
  const auto state = official_protocol().open_state(Transport::coap);
  const Peer peer{device, state.get()};
  fuzz::run(wire, peer);
  static DeviceMessage message;
  static Answer answer;
  const auto decoded = official_protocol().decode(wire, peer, fuzz::kNow, message, answer);
  const bool is_taken = decoded && (*decoded == Decoded::message || *decoded == Decoded::reply);
  JL_ASSERT(is_taken == (answer.status == 201 || answer.status == 205));
  JL_ASSERT(answer.body.empty() == !(decoded && *decoded == Decoded::reply));
  check_downlink(peer, is_taken && !wire.proven_id.empty());
  return 0;
}

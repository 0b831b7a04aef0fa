// Decodes arbitrary TCP frames and datagrams of the official protocol, in one session as they come. The first byte says
// which transport and whether the session is logged in; then each message has a length byte before it, and TCP's own
// length is put before it unless the byte is 255, which takes the rest as it is. Commands go out in between, so that
// answers have something to answer.
#include "decoded_message.hpp"

#include <cstddef>
#include <cstdint>

namespace {
using namespace jl;
using namespace jl::codec;

constexpr std::uint8_t kUdp = 1, kLoggedIn = 2, kBare = 255;

void send_command(Transport transport, const Peer& peer) {
  DownMessage message;
  message.type = MessageType::read_property;
  message.body = {{"messageId", "m\"\n1"}, {"timestamp", fuzz::kNow}, {"properties", boost::json::array{"t"}}};
  const auto encoded = official_protocol().encode(message, transport, peer);
  JL_ASSERT(encoded.has_value() && encoded->sends.size() == 1);
}

std::string wrapped(std::string_view message, bool is_udp) {
  std::string bytes;
  if (is_udp) {
    bytes.assign("\0\0\4key1", 7);
  } else {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((message.size() >> shift) & 0xFFu);
  }
  return bytes.append(message);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool is_udp = (data[0] & kUdp) != 0;
  DeviceIdentity device{"d1", "p1", {}};
  device.configuration.emplace("secureKey", Secret("key1"));
  Uplink wire;
  wire.transport = is_udp ? Transport::udp : Transport::tcp;
  const auto state = official_protocol().open_state(wire.transport);
  const Peer peer{device, state.get(), (data[0] & kLoggedIn) != 0};
  while (!input.empty()) {
    const auto length = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    const std::string_view message = input.substr(0, length == kBare ? input.size() : length);
    input.remove_prefix(message.size());
    const std::string bytes = length == kBare ? std::string(message) : wrapped(message, is_udp);
    wire.payload = bytes;
    if (peer.logged_in) send_command(wire.transport, peer);
    fuzz::run(wire, peer);
    static Answer answer;
    official_protocol().refuse(wire, Stranger::unknown, fuzz::kNow, answer);
  }
  return 0;
}

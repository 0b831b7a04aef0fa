// Arbitrary HTTP requests and WebSocket handshakes and messages of the official protocol. The first byte chooses; for
// HTTP the lines that follow are path and Authorization, for a handshake path, query and Authorization; the rest is the
// body or the message.
#include "decoded_message.hpp"

#include <cstddef>
#include <cstdint>

namespace {
using namespace jl;
using namespace jl::codec;

void check_answer(const Uplink& wire, const Answer& answer) {
  JL_ASSERT(answer.status >= 200 && answer.status < 600);
  const auto body = fuzz::parse_strictly(answer.body);
  JL_ASSERT(body.at("success").as_bool() == (answer.status == 200));
  JL_ASSERT(!answer.has_reply && !answer.close);
  JL_ASSERT(wire.transport == Transport::http);
}

void run_http(std::string_view input, const DeviceIdentity& device) {
  Uplink wire;
  wire.transport = Transport::http;
  wire.method = "POST";
  wire.topic = fuzz::take_line(input);
  wire.authorization = fuzz::take_line(input);
  wire.payload = input;
  fuzz::run(wire, {device});
  static DeviceMessage message;
  static Answer answer;
  const auto decoded = official_protocol().decode(wire, {device}, fuzz::kNow, message, answer);
  check_answer(wire, answer);
  JL_ASSERT((answer.status == 200) == (decoded && *decoded == Decoded::message));
  for (const Stranger why : {Stranger::nameless, Stranger::unknown, Stranger::unavailable}) {
    official_protocol().refuse(wire, why, fuzz::kNow, answer);
    check_answer(wire, answer);
    JL_ASSERT(answer.status != 200);
  }
}

void run_handshake(std::string_view input, const DeviceIdentity& device) {
  WebSocketCredentials credentials;
  credentials.path = fuzz::take_line(input);
  credentials.query = fuzz::take_line(input);
  credentials.authorization = input;
  const auto owner = official_protocol().owner_of(credentials);
  const AuthOutcome outcome = official_protocol().authenticate(credentials, device);
  // Nobody comes in who names another device or shows no token.
  if (outcome != AuthOutcome::ok) return;
  JL_ASSERT(owner && owner->device_id == device.device_id);
  JL_ASSERT(credentials.query.find("token=") != std::string_view::npos ||
            credentials.authorization.find("tok-42") != std::string_view::npos);
}

void run_message(std::string_view input, const DeviceIdentity& device) {
  Uplink wire;
  wire.transport = Transport::websocket;
  wire.payload = input;
  fuzz::run(wire, {device});
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  DeviceIdentity device{"d1", "p1", {}};
  device.configuration.emplace("bearer_token", Secret("tok-42"));
  switch (data[0] % 3) {
    case 0:
      run_http(input, device);
      break;
    case 1:
      run_handshake(input, device);
      break;
    default:
      run_message(input, device);
  }
  return 0;
}

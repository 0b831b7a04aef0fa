#include "vectors.hpp"

#include <doctest/doctest.h>
#include <map>

namespace {
using namespace jl;
using namespace jl::test::vectors;
using codec::Decoded;
using codec::Transport;

// What an access gateway does with a frame: finds the device, or has the protocol refuse the message.
struct Session {
  codec::DeviceIdentity identity;
  Transport transport;
  bool is_known;
  bool logged_in;
  codec::CodecState* state;
};

struct Received {
  Result<Decoded> decoded = Decoded::nothing;
  codec::DeviceMessage message;
  codec::Answer answer;
  [[nodiscard]] std::string reply() const { return answer.has_reply ? hex(answer.reply.payload) : std::string(); }
};

Received receive(Session& session, std::string_view bytes) {
  const auto& protocol = codec::official_protocol();
  codec::Uplink wire;
  wire.transport = session.transport;
  wire.payload = bytes;
  Received received;
  const bool has_session = session.transport == Transport::tcp && session.logged_in;
  const auto owner = protocol.owner_of(wire);
  if (!has_session && (!owner || !session.is_known)) {
    protocol.refuse(wire, owner ? codec::Stranger::unknown : codec::Stranger::nameless, kNow, received.answer);
    return received;
  }
  if (!has_session) REQUIRE(owner->device_id == session.identity.device_id);
  received.decoded = protocol.decode(wire, {session.identity, session.state, session.logged_in}, kNow, received.message,
                                     received.answer);
  if (received.decoded && *received.decoded == Decoded::message) session.logged_in = true;
  return received;
}

// What the vectors leave to us, they recommend: this is what is expected then, by the vector's name.
json::object expectation(const json::object& vector) {
  json::object expected = vector.at("expected").as_object();
  const std::string_view name = text(vector, "name");
  if (name == "tcp_report_empty_deviceId") {
    expected["message"].as_object()["deviceId"] = "tcp-1";
  } else if (name == "tcp_report_other_deviceId_after_login") {
    expected["denied"] = true;
  } else if (name.starts_with("tcp_read_reply_fail")) {
    for (const auto* key : {"code", "message"}) {
      if (text(expected["message"].as_object(), key) == "null") expected["message"].as_object().erase(key);
    }
  } else if (name == "tcp_report_steals_pending_seq2") {
    expected["message"].as_object()["messageId"] = "2";
  } else if (name == "udp_authtype_1_not_checked") {
    expected["message"] = nullptr;
    expected["reply_hex"] = "00000002TTTTTTTTTTTTTTTT000300057564702d3101";
  } else if (name == "udp_keepalive_fails") {
    expected.erase("error");
  }
  // The secret stays here (wire.md 1.4).
  if (auto* message = expected.if_contains("message"); message != nullptr && message->is_object()) {
    if (auto* headers = message->as_object().if_contains("headers")) headers->as_object().erase("token");
  }
  return expected;
}

void check_binary_up(const json::object& vector, Session& session) {
  const json::object expected = expectation(vector);
  const Received received = receive(session, payload_of(vector));
  CAPTURE(received.message.json);
  CHECK(received.reply() == reply_of(expected));
  const auto* close = expected.if_contains("close");
  CHECK(received.answer.close == (close != nullptr && close->as_bool()));
  if (expected.contains("error") || expected.contains("denied")) {
    REQUIRE(received.decoded.has_error());
    CHECK(received.decoded.error().code == (expected.contains("denied") ? Errc::denied : Errc::invalid));
    CHECK(received.message.json.empty());
    return;
  }
  REQUIRE(received.decoded.has_value());
  const json::value want = expected.contains("message") ? expected.at("message") : json::value(nullptr);
  if (want.is_null()) {
    CHECK(*received.decoded != Decoded::message);
    CHECK(received.message.json.empty());
    return;
  }
  REQUIRE(*received.decoded == Decoded::message);
  CHECK(is_same(json::parse(received.message.json), want));
  CHECK(codec::to_string(received.message.type) == text(want.as_object(), "messageType"));
}

void check_binary_down(const json::object& vector, const Session& session) {
  const json::object& expected = vector.at("expected").as_object();
  const auto encoded = codec::official_protocol().encode(down_message(vector.at("message").as_object()),
                                                         session.transport, {session.identity, session.state});
  if (expected.contains("error")) {
    REQUIRE(encoded.has_error());
    CHECK(encoded.error().code == Errc::unsupported_message);
    return;
  }
  REQUIRE(encoded.has_value());
  CHECK(encoded->disconnect == expected.at("hex").is_null());
  REQUIRE(encoded->sends.size() == (encoded->disconnect ? 0 : 1));
  if (!encoded->disconnect) CHECK(hex(encoded->sends.front().payload) == text(expected, "hex"));
}

// Cutting the stream is the framing rule's; what it cuts is this.
void check_stream(const json::object& vector, Session& session) {
  std::string stream;
  for (const auto& chunk : vector.at("chunks_hex").as_array()) stream += unhex(chunk.as_string());
  for (const auto& want : vector.at("expected").as_object().at("frames").as_array()) {
    const std::string frame = stream.substr(0, unhex(want.as_string()).size());
    stream.erase(0, frame.size());
    CHECK(hex(frame) == std::string_view(want.as_string()));
    const Received received = receive(session, frame);
    REQUIRE(received.decoded.has_value());
    CHECK((*received.decoded == Decoded::message) == (frame.size() > 5));
  }
  CHECK(stream.empty());
}

class Devices {
 public:
  Session session_of(const json::object& vector) {
    const Transport transport = *codec::transport_from(text(vector, "transport"));
    Session session{identity_of(vector), transport, true, !text(vector, "session_device").empty(), nullptr};
    session.is_known = !session.identity.config("secureKey").empty();
    auto& state = states_[session.identity.device_id];
    if (!state) state = codec::official_protocol().open_state(transport);
    session.state = state.get();
    return session;
  }

 private:
  std::map<std::string, std::unique_ptr<codec::CodecState>> states_;
};
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("every TCP and UDP vector of the wire specification holds [wire.md 5, 7]") {
    Devices devices;
    int up = 0, down = 0, datagrams = 0;
    for (const json::value& value : all()) {
      const json::object& vector = value.as_object();
      const std::string name(text(vector, "name"));
      const std::string_view transport = text(vector, "transport");
      if (transport != "tcp" && transport != "udp") continue;
      CAPTURE(name);
      Session session = devices.session_of(vector);
      if (transport == "udp") {
        check_binary_up(vector, session), ++datagrams;
      } else if (text(vector, "direction") == "down") {
        check_binary_down(vector, session), ++down;
      } else if (vector.contains("chunks_hex")) {
        check_stream(vector, session), ++up;
      } else {
        check_binary_up(vector, session), ++up;
      }
      if (name == "tcp_report_steals_pending_seq2") {
        // The mapping is kept for the real reply.
        const Received reply =
            receive(session, unhex("0000001f050000018bcfe568000002000474642d31010001000474656d700400000014"));
        CHECK(reply.message.message_id == "def");
      }
    }
    CHECK(up == 24);
    CHECK(down == 8);
    CHECK(datagrams == 4);
    MESSAGE("wire vectors: " << up << " TCP up, " << down << " TCP down, " << datagrams << " UDP");
  }
}

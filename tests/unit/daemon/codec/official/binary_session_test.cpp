#include "binary_support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::test;
using namespace jl::test::binary;
using codec::Decoded;
using codec::MessageType;
using codec::Stranger;
using codec::Transport;

namespace {
const std::string kReport = message(3, Bytes().u16(0).out, 3);

// The ack as it stands on the transport.
std::string tcp_ack(unsigned code, std::uint16_t sequence = 0, std::string_view id = "d1") {
  return frame(ack(code, sequence, id));
}
std::string udp_ack(unsigned code, std::uint16_t sequence = 0, std::string_view id = "d1") {
  return datagram(ack(code, sequence, id), "");
}

bool is(const Uplink& up, Decoded what) { return up.result && *up.result == what; }

codec::Answer refuse(Transport transport, Stranger why, std::string_view bytes) {
  codec::Uplink wire;
  wire.transport = transport;
  wire.payload = bytes;
  codec::Answer answer;
  answer.close = true;
  codec::official_protocol().refuse(wire, why, kNow, answer);
  return answer;
}

std::string owner(Transport transport, std::string_view bytes) {
  codec::Uplink wire;
  wire.transport = transport;
  wire.payload = bytes;
  const auto found = codec::official_protocol().owner_of(wire);
  return found ? std::string(found->device_id) : "nobody";
}
}  // namespace

TEST_SUITE("codec.official.binary") {
  TEST_CASE("a login with the device's key is acknowledged and says that it is online [wire.md 5.6.1]") {
    Session session(Transport::tcp, false);
    const Uplink up = session.receive(login(kKey, 9), kNow);
    REQUIRE(up.is_message());
    CHECK(up.message.type == MessageType::online);
    CHECK(up.message.json.find(kKey) == std::string::npos);
    CHECK(up.message.headers.raw == R"({"_seq":9})");
    CHECK(up.answer.has_reply);
    CHECK(up.answer.reply.payload == tcp_ack(0, 9));
    CHECK(!up.answer.reply.text);
    CHECK(!up.answer.close);
    CHECK(session.receive(kReport).is_message());
  }

  TEST_CASE("a login with another key is refused and closes [wire.md 5.6.2]") {
    for (const std::string_view key : {"", "key", "key2", "key11", "KEY1"}) {
      CAPTURE(key);
      const Uplink up = Session(Transport::tcp, false).receive(login(key, 9));
      CHECK(is(up, Decoded::refused));
      CHECK(up.answer.reply.payload == tcp_ack(1, 9));
      CHECK(up.answer.close);
      CHECK(up.message.json.empty());
    }
  }

  TEST_CASE("nobody logs in to a device without a secureKey") {
    for (const Transport transport : {Transport::tcp, Transport::udp}) {
      for (const auto& identity : {device(), device({{"secureKey", ""}})}) {
        Session session(transport, false);
        session.identity = identity;
        const Uplink up =
            transport == Transport::tcp ? session.receive(login("")) : session.receive_bytes(datagram(login(""), ""));
        CHECK(is(up, Decoded::refused));
        CHECK(up.answer.has_reply);
        CHECK(up.answer.close);
      }
    }
  }

  TEST_CASE("before the login, everything but a keepalive is refused and the connection stays [wire.md 5.6.3]") {
    for (const unsigned type : {2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 10U}) {
      CAPTURE(type);
      const Uplink up = Session(Transport::tcp, false).receive(message(type, "", 5));
      CHECK(is(up, Decoded::refused));
      CHECK(up.answer.reply.payload == tcp_ack(1, 5));
      CHECK(!up.answer.close);
    }
    const Uplink broken = Session(Transport::tcp, false).receive(message(1, "", 5));
    CHECK(broken.error() == Errc::invalid);
    CHECK(!broken.answer.has_reply);
  }

  TEST_CASE("keepalives are never answered, whatever follows their first byte [wire.md 5.4]") {
    for (const Transport transport : {Transport::tcp, Transport::udp}) {
      for (const bool logged_in : {true, false}) {
        for (const auto& bytes : {std::string(1, '\0'), std::string(9, '\0'), std::string(3, '\0')}) {
          const Uplink up = Session(transport, logged_in).receive(bytes);
          REQUIRE(up.result.has_value());
          CHECK(*up.result == codec::Decoded::reply);  // there is nothing to tell, and nothing wrong
          CHECK(!up.answer.has_reply);
          CHECK(!up.answer.close);
        }
      }
    }
    const Uplink stranger = Session(Transport::udp).receive_bytes(datagram(std::string(1, '\0'), "wrong"));
    REQUIRE(stranger.result.has_value());
    CHECK(*stranger.result == codec::Decoded::reply);
    CHECK(!stranger.answer.has_reply);
  }

  TEST_CASE("nothing is acknowledged after the login, not even another one, which is checked again [wire.md 5.6.4]") {
    Session session(Transport::tcp);
    Uplink up = session.receive(login(kKey, 2));
    REQUIRE(up.is_message());
    CHECK(up.message.type == MessageType::online);
    CHECK(!up.answer.has_reply);
    CHECK(!session.receive(kReport).answer.has_reply);
    for (const auto& again : {login("wrong", 2), login(kKey, 2, "d2")}) {
      up = session.receive(again);
      CHECK(is(up, Decoded::refused));
      CHECK(up.answer.has_reply);
      CHECK(up.answer.reply.payload.ends_with('\x01'));
      CHECK(up.answer.close);
    }
  }

  TEST_CASE("a message without an id is the session's, one of another device is dropped [wire.md 5.6.5]") {
    for (const Transport transport : {Transport::tcp, Transport::udp}) {
      Session session(transport);
      const Uplink up = session.receive(message(3, Bytes().u16(0).out, 1, ""));
      REQUIRE(up.is_message());
      CHECK(up.message.device_id == "d1");
      const Uplink foreign = session.receive(message(3, Bytes().u16(0).out, 1, "d2"));
      CHECK(foreign.error() == Errc::denied);
      CHECK(!foreign.answer.has_reply);
      CHECK(!foreign.answer.close);
      CHECK(foreign.message.json.empty());
    }
  }

  TEST_CASE("what only the platform sends is answered with unsupported [wire.md 5.6.7]") {
    for (const unsigned type : {4U, 6U, 8U}) {
      CAPTURE(type);
      Uplink up = Session(Transport::tcp).receive(message(type, "", 6));
      CHECK(is(up, Decoded::reply));
      CHECK(up.answer.reply.payload == tcp_ack(2, 6));
      up = Session(Transport::udp).receive(message(type, "", 6));
      CHECK(is(up, Decoded::reply));
      CHECK(up.answer.reply.payload == udp_ack(2, 6));
    }
  }

  TEST_CASE("every datagram proves itself and is acknowledged with an empty key [wire.md 5.7]") {
    Session session(Transport::udp, false);
    Uplink up = session.receive(kReport);
    REQUIRE(up.is_message());
    CHECK(up.answer.reply.payload == udp_ack(0, 3));
    CHECK(!up.answer.close);
    // The key in the body of an online message is not looked at.
    up = session.receive(login("anything", 4));
    REQUIRE(up.is_message());
    CHECK(up.message.type == MessageType::online);
    CHECK(up.answer.reply.payload == udp_ack(0, 4));
    // Once proven is not proven for ever.
    up = session.receive_bytes(datagram(kReport, "wrong"));
    CHECK(is(up, Decoded::refused));
    CHECK(up.answer.reply.payload == udp_ack(1, 3));
    CHECK(!up.answer.close);
    up = session.receive_bytes(datagram(login(), "wrong"));
    CHECK(is(up, Decoded::refused));
    CHECK(up.answer.close);
    up = session.receive_bytes(datagram(kReport, kKey, 1));
    CHECK(is(up, Decoded::refused));
    CHECK(up.answer.reply.payload == udp_ack(1, 3));
    // What cannot be decoded is not accepted.
    up = session.receive(message(3, "", 3));
    CHECK(up.error() == Errc::invalid);
    CHECK(!up.answer.has_reply);
  }

  TEST_CASE("the owner of a TCP frame is who logs in, of a datagram whom it names") {
    CHECK(owner(Transport::tcp, frame(login())) == "d1");
    CHECK(owner(Transport::tcp, frame(kReport)) == "nobody");
    CHECK(owner(Transport::tcp, frame(login(kKey, 0, ""))) == "nobody");
    CHECK(owner(Transport::tcp, frame(std::string(1, '\0'))) == "nobody");
    CHECK(owner(Transport::tcp, login()) == "nobody");
    CHECK(owner(Transport::udp, datagram(login())) == "d1");
    CHECK(owner(Transport::udp, datagram(kReport)) == "d1");
    CHECK(owner(Transport::udp, datagram(message(3, "", 0, ""))) == "nobody");
    CHECK(owner(Transport::udp, datagram(std::string(1, '\0'))) == "nobody");
    CHECK(owner(Transport::udp, "") == "nobody");
    CHECK(owner(Transport::udp, datagram(message(3, "", 0, "a/b"))) == "nobody");
  }

  TEST_CASE("strangers hear noAuth; a login of an unknown device closes [wire.md 5.6, 5.7]") {
    codec::Answer answer = refuse(Transport::tcp, Stranger::unknown, frame(login(kKey, 9, "ghost")));
    CHECK(answer.reply.payload == tcp_ack(1, 9, "ghost"));
    CHECK(answer.close);
    answer = refuse(Transport::tcp, Stranger::nameless, frame(kReport));
    CHECK(answer.reply.payload == tcp_ack(1, 3));
    CHECK(!answer.close);
    answer = refuse(Transport::tcp, Stranger::nameless, frame(login(kKey, 9, "")));
    CHECK(answer.reply.payload == tcp_ack(1, 9, ""));
    CHECK(!answer.close);
    answer = refuse(Transport::udp, Stranger::unknown, datagram(kReport));
    CHECK(answer.reply.payload == udp_ack(1, 3));
    CHECK(!answer.close);
    for (const auto& bytes : {std::string(), frame(std::string(1, '\0')), std::string(40, 'x')}) {
      answer = refuse(Transport::tcp, Stranger::nameless, bytes);
      CHECK(!answer.has_reply);
      CHECK(!answer.close);
    }
    answer = refuse(Transport::tcp, Stranger::unavailable, frame(login()));
    CHECK(!answer.has_reply);
    CHECK(answer.close);
  }
}

TEST_SUITE("codec.official.binary") {
  TEST_CASE("replies and acks take the messageId that their number stands for, once [wire.md 5.5]") {
    constexpr std::string_view kRead =
        R"({"messageType":"READ_PROPERTY","messageId":"abc","timestamp":1700000000000,"properties":["t"]})";
    const struct {
      const char* name;
      unsigned type;
      Bytes body;
      bool takes;
    } rows[] = {{"read reply", 5, Bytes().u8(1).u16(0), true},
                {"write reply", 7, Bytes().u8(1).u16(0), true},
                {"function reply", 9, Bytes().u8(1).u8(0).u8(0), true},
                {"ack", 2, Bytes().u8(0), true},
                {"report", 3, Bytes().u16(0), false},
                {"event", 10, Bytes().string("e").u16(0), false},
                {"online", 1, Bytes().string(kKey), false}};
    for (const Transport transport : {Transport::tcp, Transport::udp}) {
      for (const auto& row : rows) {
        CAPTURE(row.name);
        Session session(transport);
        REQUIRE(session.send(kRead).has_value());
        CHECK(session.receive(message(row.type, row.body.out, 1)).message.message_id == (row.takes ? "abc" : "1"));
        const Uplink reply = session.receive(message(5, Bytes().u8(1).u16(0).out, 1));
        CHECK(reply.message.message_id == (row.takes ? "1" : "abc"));
      }
    }
  }

  TEST_CASE("an answer that cannot be decoded leaves the number to the next, and late ones have none [wire.md 5.5]") {
    constexpr std::string_view kRead =
        R"({"messageType":"READ_PROPERTY","messageId":"abc","timestamp":1700000000000,"properties":["t"]})";
    const std::string reply = message(5, Bytes().u8(1).u16(0).out, 1);
    Session session(Transport::tcp);
    REQUIRE(session.send(kRead).has_value());
    CHECK(session.receive(message(5, "", 1)).error() == Errc::invalid);
    CHECK(session.receive(reply).message.message_id == "abc");
    REQUIRE(session.send(kRead).has_value());
    CHECK(session.receive(message(5, Bytes().u8(1).u16(0).out, 2), kNow + 30'001).message.message_id == "2");
  }

  TEST_CASE("sessions that many devices share have no numbers to look up") {
    codec::Uplink wire;
    wire.transport = Transport::tcp;
    const std::string bytes = frame(message(5, Bytes().u8(1).u16(0).out, 1));
    wire.payload = bytes;
    codec::DeviceMessage out;
    codec::Answer answer;
    const auto identity = device({{"secureKey", std::string(kKey)}});
    REQUIRE(codec::official_protocol().decode(wire, {identity}, kNow, out, answer).has_value());
    CHECK(out.message_id == "1");
  }
}

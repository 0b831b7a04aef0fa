#include "daemon/wire/modbus/frame.hpp"
#include "common/base/hex.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace jl::wire::modbus {
namespace {

std::string octets(std::string_view hex) { return from_hex(hex).value(); }

/// Keeps frames as text: "transaction/unit/pdu".
struct FrameLog {
  Framer::Take take() {
    return [this](const Frame& frame) {
      frames.push_back(std::to_string(frame.transaction) + "/" + std::to_string(frame.unit) + "/" + to_hex(frame.pdu));
    };
  }
  std::vector<std::string> frames;
};

using Frames = std::vector<std::string>;

template <class F>
Frames frames_in_pieces(std::string_view stream, std::size_t piece) {
  F framer;
  FrameLog log;
  while (!stream.empty()) {
    const std::string part(stream.substr(0, piece));  // its own memory: reading beyond it is seen
    stream.remove_prefix(part.size());
    CHECK(framer.feed(part, log.take()).has_value());
    CHECK(framer.pending() <= 260);
  }
  return log.frames;
}

const std::string kReply = octets("03 04 00010002");

}  // namespace

TEST_SUITE("wire.modbus.frame") {
  TEST_CASE("the CRC is that of the serial line specification, low byte first") {
    CHECK(crc16("") == 0xFFFF);
    CHECK(crc16("123456789") == 0x4B37);      // the check value of CRC-16/MODBUS
    CHECK(crc16(octets("02 07")) == 0x1241);  // appendix B of V1.02
    CHECK(to_hex(rtu_frame(2, octets("07"))) == "02074112");
    CHECK(to_hex(rtu_frame(1, octets("03 0000 000A"))) == "01030000000ac5cd");
  }

  TEST_CASE("a Modbus TCP frame is the MBAP header and the PDU") {
    CHECK(to_hex(tcp_frame(0x1501, 0xFF, octets("04 0000 0001"))) == "150100000006ff0400000001");
  }

  TEST_CASE("TCP frames are found however the stream is cut") {
    const std::string stream =
        tcp_frame(1, 1, kReply) + tcp_frame(65'535, 255, std::string(kMaxPdu, 'x')) + tcp_frame(3, 0, "y");
    const Frames want = {"1/1/" + to_hex(kReply), "65535/255/" + to_hex(std::string(kMaxPdu, 'x')), "3/0/79"};
    for (const std::size_t piece : {1u, 2u, 5u, 6u, 7u, 13u, 260u, 1000u}) {
      CAPTURE(piece);
      CHECK(frames_in_pieces<TcpFramer>(stream, piece) == want);
    }
  }

  TEST_CASE("a TCP header that cannot be fails, and goes on failing until reset") {
    for (const std::string_view header :
         {"0001 0001 0006", "0001 0000 0000", "0001 0000 0001", "0001 0000 00FF", "0001 0000 FFFF", "4854 5450 2F31"}) {
      CAPTURE(header);
      TcpFramer framer;
      FrameLog log;
      const std::string bytes = octets(header);
      CHECK(framer.feed(bytes.substr(0, 5), log.take()).has_value());
      const Status status = framer.feed(bytes.substr(5), log.take());
      REQUIRE(status.has_error());
      CHECK(status.error().code == Errc::invalid);
      CHECK(framer.feed(tcp_frame(1, 1, kReply), log.take()).has_error());
      CHECK(log.frames.empty());
      framer.reset();
      CHECK(framer.feed(tcp_frame(1, 1, kReply), log.take()).has_value());
      CHECK(log.frames.size() == 1);
    }
  }

  TEST_CASE("RTU frames are found however the stream is cut") {
    const std::string stream =
        rtu_frame(1, kReply) + rtu_frame(247, octets("83 02")) + rtu_frame(9, octets("16 0004 00F2 0025")) +
        rtu_frame(3, octets("01 FA") + std::string(250, 'x')) + rtu_frame(4, octets("10 0001 0002"));
    const Frames want = {"0/1/" + to_hex(kReply), "0/247/8302", "0/9/16000400f20025",
                         "0/3/01fa" + to_hex(std::string(250, 'x')), "0/4/1000010002"};
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 100u, 255u, 256u, 1000u}) {
      CAPTURE(piece);
      CHECK(frames_in_pieces<RtuFramer>(stream, piece) == want);
    }
  }

  TEST_CASE("RTU: what stands before a frame is garbage, and counted") {
    struct Row {
      std::string_view name, noise;
    };
    const Row rows[] = {
        {"a broadcast address", "00"},
        {"a function nobody asks for", "01 63"},
        {"a frame with a wrong CRC", "01 03 02 0001 FFFF"},
        {"the echo of a request", "01 03 0000 0002 C40B"},
        {"a length that cannot be", "01 03 FF"},
        {"many of them", "00 00 FF FF FF 80 80 80"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const std::string noise = octets(row.noise);
      RtuFramer framer;
      FrameLog log;
      CHECK(framer.feed(noise + rtu_frame(1, kReply), log.take()).has_value());
      CHECK(log.frames == Frames{"0/1/" + to_hex(kReply)});
      CHECK(framer.garbage() == noise.size());
      CHECK(framer.pending() == 0);
    }
  }

  TEST_CASE("RTU: noise that passes for the begin of a longer frame gives way at silence") {
    // FF 01 04 would be a reply of 9 bytes, but the real one ends after 8.
    RtuFramer framer;
    FrameLog log;
    CHECK(framer.feed(octets("FF") + rtu_frame(1, octets("04 02 1234")), log.take()).has_value());
    CHECK(log.frames.empty());
    CHECK(framer.pending() == 8);
    framer.on_silence(log.take());
    CHECK(log.frames == Frames{"0/1/04021234"});
    CHECK(framer.garbage() == 1);
    CHECK(framer.pending() == 0);
    CHECK(framer.feed(octets("01 03 FA 00"), log.take()).has_value());
    framer.on_silence(log.take());
    CHECK(framer.garbage() == 5);
    CHECK(framer.pending() == 0);
  }

  TEST_CASE("RTU: a frame within the data of another one is not taken for one") {
    const std::string inner = rtu_frame(5, octets("06 0001 0003"));
    const std::string pdu = octets("03 08") + inner;
    for (const std::size_t piece : {1u, 12u, 100u}) {
      CHECK(frames_in_pieces<RtuFramer>(rtu_frame(1, pdu), piece) == Frames{"0/1/" + to_hex(pdu)});
    }
  }

  TEST_CASE("reset forgets what is begun, and within a call the rest of the bytes") {
    RtuFramer rtu;
    FrameLog log;
    const std::string frame = rtu_frame(1, kReply);
    CHECK(rtu.feed(frame.substr(0, 5), log.take()).has_value());
    rtu.reset();
    CHECK(rtu.pending() == 0);
    CHECK(rtu.garbage() == 5);
    CHECK(rtu.feed(frame, log.take()).has_value());
    CHECK(log.frames.size() == 1);

    TcpFramer tcp;
    Framer* const framers[] = {&rtu, &tcp};
    std::string streams[2];
    for (std::uint16_t i = 0; i < 50; ++i) {  // more than either buffers at once
      streams[0] += frame;
      streams[1] += tcp_frame(i, 1, kReply);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      int taken = 0;
      const auto take = [&](const Frame& seen) {
        framers[i]->reset();
        CHECK(seen.pdu == kReply);
        ++taken;
      };
      CHECK(framers[i]->feed(streams[i], take).has_value());
      CHECK(taken == 1);
      CHECK(framers[i]->pending() == 0);
    }
    CHECK(tcp.garbage() == 0);
  }
}

}  // namespace jl::wire::modbus

// What a message costs once the buffers are warm: counted at C++'s allocator, so without what OpenSSL does inside.
#include "binary_support.hpp"
#include "daemon/codec/official/aes.hpp"

#include <doctest/doctest.h>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> g_allocations{0};

void* counted(std::size_t size) noexcept {
  ++g_allocations;
  return std::malloc(size == 0 ? 1 : size);
}
}  // namespace

// Every form that is not aligned, so that none is paired with one of a sanitizer's.
void* operator new(std::size_t size) {
  void* const memory = counted(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

using namespace jl;
using namespace jl::test;
using namespace jl::test::binary;
using codec::Transport;

namespace {
// Allocations of the hundredth time that a message is decoded.
long cost_of(const codec::Uplink& wire, const codec::DeviceIdentity& identity) {
  const auto& protocol = codec::official_protocol();
  const auto state = protocol.open_state(wire.transport);
  codec::DeviceMessage message;
  codec::Answer answer;
  long before = 0;
  for (int i = 0; i < 100; ++i) {
    before = g_allocations;
    const auto decoded = protocol.decode(wire, {identity, state.get()}, kNow, message, answer);
    if (!decoded || *decoded != codec::Decoded::message) return -1;
  }
  return g_allocations - before;
}

Bytes properties() {
  Bytes bytes;
  bytes.u16(40);
  for (int i = 0; i < 37; ++i) bytes.string("temperature-" + std::to_string(i)).real(36.5 + i);
  bytes.string("with \"quotes\"").text("some text that is longer than any small buffer");
  bytes.string("object").u8(0x0e).u16(1).string("k").i32(1);
  return bytes.string("binary").u8(0x0c).string("some bytes that are longer than any small buffer");
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("a report over TCP or UDP is decoded without an allocation") {
    const auto identity = device({{"secureKey", std::string(kKey)}});
    for (const auto& body : {properties().out, Bytes().u16(1).string("t").i32(1).out}) {
      const std::string report = message(3, body, 65'534);
      const std::string framed = frame(report), sealed = datagram(report);
      codec::Uplink wire;
      wire.transport = Transport::tcp;
      wire.payload = framed;
      CHECK(cost_of(wire, identity) == 0);
      wire.transport = Transport::udp;
      wire.payload = sealed;
      CHECK(cost_of(wire, identity) == 0);
    }
  }

  TEST_CASE("a report over HTTP, WebSocket or CoAP is decoded without an allocation") {
    const auto identity = device({{"bearer_token", "tok-42"}, {"secureKey", "0123456789abcdef"}});
    constexpr std::string_view kReport =
        R"({"messageType":"REPORT_PROPERTY","properties":{"temperature":36.5,"text":"longer than a small buffer is"}})";
    codec::Uplink wire;
    wire.topic = "/p1/d1/properties/report";
    wire.payload = kReport;
    wire.authorization = "Bearer tok-42";
    for (const Transport transport : {Transport::mqtt, Transport::http, Transport::websocket}) {
      CAPTURE(codec::to_string(transport));
      wire.transport = transport;
      CHECK(cost_of(wire, identity) == 0);
    }
    std::string bytes;
    REQUIRE(codec::official::aes_encrypt("0123456789abcdef", kReport, bytes));
    wire.transport = Transport::coap;
    wire.payload = bytes;
    CHECK(cost_of(wire, identity) == 0);
  }
}

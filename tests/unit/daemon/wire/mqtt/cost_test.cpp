// What a connection costs in memory: counted at the allocator.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

#include <malloc.h>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> g_allocations{0};
std::atomic<long> g_bytes{0};
}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  ++g_allocations;
  g_bytes += static_cast<long>(malloc_usable_size(memory));
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) g_bytes -= static_cast<long>(malloc_usable_size(memory));
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

namespace {
struct Quiet final : ServerEvents {
  void on_connect(const ConnectView&) override {}
  ReasonCode on_publish(const PublishView& view) override {
    bytes += view.payload.size();
    return ReasonCode::success;
  }
  ReasonCode on_subscribe(std::string_view, const SubscribeOptions&) override { return ReasonCode::success; }
  void on_unsubscribe(std::string_view) override {}
  void on_close(CloseCause, bool) override {}
  std::size_t bytes = 0;
};
}  // namespace

TEST_CASE("an idle client costs less than 150 bytes, also after it sent messages in pieces") {
  Quiet events;
  std::string out;
  out.reserve(4096);
  const std::string hello = connect({.username = "u", .password = "p"});
  const std::string message = publish(2, "/p/d/properties/report", 1, std::string(1000, 'x'));
  const long before = g_bytes;
  ServerMachine machine(events, {});
  machine.feed(hello, out);
  machine.accept({}, out);
  machine.feed(std::string_view(message).substr(0, 500), out);
  CHECK(g_bytes - before > 500);
  machine.feed(std::string_view(message).substr(500), out);
  CHECK(machine.state() == ServerMachine::State::connected);
  CHECK(events.bytes == 1000);
  CHECK(g_bytes - before < 150);
}

TEST_CASE("the parts of a connection and of a session stay small") {
  CHECK(sizeof(ServerMachine) <= sizeof(void*));
  CHECK(sizeof(Delivery) <= 64);
  CHECK(sizeof(OutboundExchange) <= 72);
  CHECK(sizeof(SessionState) <= 112);
  CHECK(sizeof(Message) <= 120);
}

TEST_CASE("a queued message is held once, however many wait for it") {
  Quiet events;
  std::string out;
  out.reserve(65536);
  const auto message = std::make_shared<const Message>(Message{.topic = "t", .payload = std::string(5000, 'x')});
  ServerLimits limits;
  limits.max_outbound_inflight = 1;
  ServerMachine machine(events, limits);
  machine.feed(connect_v311(), out);
  machine.accept({}, out);
  CHECK(machine.publish({.message = message, .qos = 1}, out) == SendResult::sent);
  const long before = g_bytes;
  for (int i = 0; i < 16; ++i) CHECK(machine.publish({.message = message, .qos = 1}, out) == SendResult::queued);
  CHECK(g_bytes - before < 16 * 160);
}

TEST_CASE("QoS 0 to a client is written without an allocation") {
  Quiet events;
  std::string out;
  out.reserve(65536);
  const auto message = std::make_shared<const Message>(Message{.topic = "some/long/topic", .payload = "payload"});
  for (const bool newer : {false, true}) {
    ServerMachine machine(events, {});
    machine.feed(newer ? connect_v5(hex("22 00 05")) : connect_v311(), out);
    machine.accept({}, out);
    CHECK(machine.publish({.message = message}, out) == SendResult::sent);  // the alias is set here
    const long before = g_allocations;
    for (int i = 0; i < 10; ++i) {
      CHECK(machine.publish({.message = message}, out) == SendResult::sent);
      CHECK(machine.publish({.topic = "some/long/topic", .payload = "view"}, out));
    }
    CHECK(g_allocations == before);
  }
}

TEST_CASE("a message that arrives whole is handled without an allocation") {
  Quiet events;
  std::string out;
  out.reserve(65536);
  for (const bool newer : {false, true}) {
    ServerMachine each(events, {});
    each.feed(newer ? connect_v5() : connect_v311(), out);
    each.accept({}, out);
    std::string stream;
    for (unsigned id = 1; id <= 50; ++id) {
      const std::string payload(140, 'x');
      stream += newer ? publish_v5(2, "/p/d/properties/report", id, "", payload)
                      : publish(2, "/p/d/properties/report", id, payload);
      stream += newer ? publish_v5(0, "/p/d/properties/report", 0, "", payload)
                      : publish(0, "/p/d/properties/report", 0, payload);
    }
    const long before = g_allocations;
    each.feed(stream, out);
    CHECK(g_allocations == before);
  }
  CHECK(events.bytes == 2 * 100 * 140);
}

TEST_SUITE_END();

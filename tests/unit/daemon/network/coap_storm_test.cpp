// Datagrams of all kinds, most of them broken, at a server that has everything under way: it must live, keep to its
// bounds, and answer the next good request.
#include "daemon/network/coap_server.hpp"

#include "tests/unit/daemon/network/coap_support.hpp"

#include <doctest/doctest.h>
#include <array>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;

constexpr int kDatagrams = 20'000;
constexpr int kPause = 64;  // datagrams until the server has caught up

class Storm {
 public:
  explicit Storm(unsigned seed) : random_(seed) {
    seeds_ = {
        coap_get("a/b"),
        coap_get("a").with(kObserve, ""),
        coap_get("a").with(kObserve, coap_number(1)),
        coap_get("long").with(kBlock2, coap_block(1, false, 2)),
        coap_post("a", "hello").with(kContentFormat, coap_number(50)).with(kDevice, "dev-1"),
        coap_post("later", "x"),
        coap_post("a", std::string(64, 'x')).with(kBlock1, coap_block(0, true, 2)).with(kSize1, coap_number(500)),
        coap_post("a", std::string(64, 'x')).with(kBlock1, coap_block(1, true, 2)),
        coap_post("a", "end").with(kBlock1, coap_block(2, false, 2)),
        coap_request(5, "fetch", "what").with(kUriQuery, "a=1").with(kNoResponse, coap_number(26)),
        coap_get("a").with(16, coap_number(1)),  // Hop-Limit
        coap_get("a").with(35, "coap://h/a"),    // Proxy-Uri
        CoapPdu{.type = kCon, .code = 205, .token = "t", .payload = "response"}.with(kBlock2, coap_block(0, true, 6)),
    };
  }
  unsigned below(std::size_t limit) { return static_cast<unsigned>(random_() % limit); }
  std::string next() {
    if (below(10) == 0) {
      std::string noise(below(200), '\0');
      for (char& byte : noise) byte = static_cast<char>(random_());
      return noise;
    }
    CoapPdu pdu = seeds_[below(seeds_.size())];
    pdu.id = below(400);
    pdu.type = below(8) == 0 ? below(4) : below(2);
    pdu.token = std::string(below(9), static_cast<char>('a' + below(3)));
    if (below(12) == 0) pdu.payload = std::string(below(1600), 'p');
    std::string bytes = pdu.bytes();
    for (unsigned i = below(4); i > 0 && below(2) == 0; --i) mutate(bytes);
    return bytes;
  }

 private:
  void mutate(std::string& bytes) {
    if (bytes.empty()) return;
    const unsigned at = below(bytes.size());
    switch (below(5)) {
      case 0:
        bytes[at] = static_cast<char>(random_());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.insert(at, std::string(1 + below(20), static_cast<char>(random_())));
        break;
      default:
        bytes.erase(at, 1 + below(5));
    }
  }
  std::mt19937 random_;
  std::vector<CoapPdu> seeds_;
};

// Takes what the server sends, and sometimes says something to it.
void drain(CoapClient& client, Storm& storm) {
  std::array<char, 2048> buffer{};
  for (;;) {
    const ssize_t got = ::recv(client.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 4) return;
    const CoapPdu pdu = CoapPdu::parse({buffer.data(), static_cast<std::size_t>(got)});
    if (pdu.type != kCon) continue;
    if (storm.below(20) == 0) client.reset(pdu);
    if (storm.below(30) > 0) client.acknowledge(pdu);
  }
}

bool is_alive(std::uint16_t port, unsigned id) {
  CoapClient fresh(port);
  return fresh.ask(coap_post("good", "x", id)).code == 204;
}

TEST_SUITE("network.coap_storm") {
  TEST_CASE("twenty thousand datagrams of noise") {
    CoapHouse house;
    house.options.max_message_bytes = 4096;
    house.options.max_sessions = 40;
    std::deque<CoapRespond> later;
    Storm choice(7);
    house.handler->take = [&](const CoapRequest& r, CoapRespond respond) {
      if (r.path == "/good") return respond({.code = 204, .payload = {}});
      for (const ObserverId id : house.handler->observers()) {
        if (choice.below(6) == 0) static_cast<void>(house.server->notify(id, std::string(choice.below(1500), 'n'), 50));
        if (choice.below(60) == 0) house.server->end_observation(id);
      }
      if (r.path == "/later" || choice.below(9) == 0) return later.push_back(std::move(respond));
      if (later.size() > 20 || choice.below(4) == 0) {
        while (!later.empty()) {
          later.front()({.code = 205, .payload = "late"});
          later.pop_front();
        }
      }
      respond({.code = choice.below(10) == 0 ? 404 : 205, .payload = std::string(choice.below(3000), 'r')});
    };
    house.start();
    Storm storm(42);
    std::vector<std::unique_ptr<CoapClient>> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(std::make_unique<CoapClient>(house.port()));
    for (int i = 0; i < kDatagrams; ++i) {
      CoapClient& client = *clients[storm.below(clients.size())];
      client.send(storm.next());
      drain(client, storm);
      if (i % kPause == 0) {
        settle(house.thread());
        house.pass(static_cast<Millis>(storm.below(500)));
      }
      if (i % 1000 == 0) {
        REQUIRE(is_alive(house.port(), 1));
        clients[storm.below(clients.size())] = std::make_unique<CoapClient>(house.port());
      }
    }
    CHECK(is_alive(house.port(), 2));
    CHECK(house.counters().requests > 1000);
    CHECK(house.counters().notifications > 100);
    CHECK(house.handler->observers().size() > 20);
    CHECK(house.counters().observers <= 40);
    // The answers that are kept go before what they refer to.
    run_on(house.thread(), [&] { later.clear(); });
  }
}

}  // namespace
}  // namespace jl::network

// Bodies that are read block by block, asked for over the network: the server keeps nothing of them.
#include "daemon/network/coap_server.hpp"

#include "tests/unit/daemon/network/coap_made_body.hpp"
#include "tests/unit/daemon/network/coap_support.hpp"

#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;

// "/file/3000" is a body of 3000 bytes, the same at each request.
struct BodyHouse : CoapHouse {
  BodyHouse() {
    handler->take = [this](const CoapRequest& r, const CoapRespond& respond) {
      asked = r.block2;
      const std::string size(r.path.substr(std::string_view("/file/").size()));
      auto& body = bodies[size];
      if (body == nullptr) body = std::make_shared<MadeBody>(std::stoull(size));
      respond({.body = body});
    };
  }
  ~BodyHouse() { stop_server(); }
  std::shared_ptr<MadeBody> body(const std::string& size) {
    return run_on(thread(), [&] { return bodies.at(size); });
  }
  Shared<std::optional<CoapBlock>> asked;
  std::map<std::string, std::shared_ptr<MadeBody>> bodies;  // of the thread
};

CoapPdu get_block(const std::string& path, unsigned number, unsigned exponent, unsigned id) {
  return coap_get(path, id).with(kBlock2, coap_block(number, false, exponent));
}

TEST_SUITE("network.coap_body_server") {
  TEST_CASE("a body in blocks of each size is the body [RFC 7959 2.2]") {
    BodyHouse house;
    house.start();
    CoapClient client(house.port());
    unsigned id = 0;
    for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 1023u, 1024u, 1025u, 3072u, 5000u}) {
      for (unsigned exponent = 0; exponent <= 6; ++exponent) {
        CAPTURE(size);
        CAPTURE(exponent);
        const std::string path = "file/" + std::to_string(size);
        std::string got;
        CoapPdu answer;
        for (unsigned number = 0; number == 0 || (answer.number(kBlock2) & 8u) != 0; ++number) {
          answer = client.ask(get_block(path, number, exponent, ++id));
          REQUIRE(answer.code == 205);
          REQUIRE((answer.number(kBlock2) >> 4) == number);
          CHECK((answer.number(kBlock2) & 7u) == exponent);
          CHECK(answer.option(kEtag) == "v1");
          CHECK(answer.number(kSize2) == size);
          got += answer.payload;
        }
        CHECK(got == bytes_of(0, size));
        CHECK(client.ask(get_block(path, (answer.number(kBlock2) >> 4) + 1, exponent, ++id)).code == 400);
      }
    }
  }

  TEST_CASE("the answers are these, byte by byte") {
    BodyHouse house;
    house.start();
    CoapClient client(house.port());
    const CoapPdu first{.type = kAck,
                        .code = 205,
                        .id = 1,
                        .token = "t",
                        .options = {{kEtag, "v1"},
                                    {kContentFormat, coap_number(42)},
                                    {kBlock2, coap_block(0, true, 6)},
                                    {kSize2, coap_number(1025)}},
                        .payload = bytes_of(0, 1024)};
    CHECK(client.ask(coap_get("file/1025", 1)) == first);
    CHECK_FALSE(house.asked.get().has_value());
    CHECK(client.ask(get_block("file/1025", 70, 3, 2)) ==
          CoapPdu{.type = kAck,
                  .code = 400,
                  .id = 2,
                  .token = "t",
                  .payload = "block 70 of 128 bytes is behind the end of 1025 bytes"});
    CHECK(house.asked.get() == CoapBlock{70, false, 3});
    CHECK(client.ask(get_block("file/99999999", 0, 1, 3)) ==
          CoapPdu{.type = kAck,
                  .code = 413,
                  .id = 3,
                  .token = "t",
                  .payload = "99999999 bytes are more than 2^20 blocks of 32 bytes"});
    CHECK(client.ask(coap_get("file/1025", 4).with(kEtag, "v0").with(kEtag, "v1")) ==
          CoapPdu{.type = kAck, .code = 203, .id = 4, .token = "t", .options = {{kEtag, "v1"}}});
    // Its answer is kept, ETag and all.
    CHECK(client.ask(coap_get("file/1025", 4).with(kEtag, "v0").with(kEtag, "v1")).option(kEtag) == "v1");
    CHECK(house.handler->count() == 4);
    CHECK(house.counters().rejected == 2);
  }

  TEST_CASE("the reserved block size does not reach the handler [RFC 7959 2.2]") {
    BodyHouse house;
    house.start();
    CoapClient client(house.port());
    CHECK(client.ask(get_block("file/3000", 0, 7, 1)).code == 400);
    CHECK(client.ask(get_block("file/3000", 1, 7, 2)).code == 400);
    // More bytes than the option has: not a CoAP message.
    CHECK(client.ask(coap_get("file/3000", 3).with(kBlock2, std::string("\x01\x00\x00\x06", 4))).type == kRst);
    CHECK(house.handler->log().empty());
  }

  TEST_CASE("smaller blocks may be asked for late, and a body be begun in its middle [RFC 7959 2.4, 3.2]") {
    BodyHouse house;
    house.start();
    CoapClient client(house.port());
    SUBCASE("late") {
      std::string got = client.ask(coap_get("file/1200", 1)).payload;
      CHECK(got.size() == 1024);
      for (unsigned number = 16; number < 19; ++number) {
        got += client.ask(get_block("file/1200", number, 2, number)).payload;
      }
      CHECK(got == bytes_of(0, 1200));
    }
    SUBCASE("in the middle, by a client that was never here") {
      const CoapPdu answer = client.ask(get_block("file/1200", 1, 6, 1));
      CHECK(answer.payload == bytes_of(1024, 176));
      CHECK(answer.number(kSize2) == 1200);
    }
    SUBCASE("far into a large one") {
      CHECK(client.ask(get_block("file/1073741824", 0xFFFFF, 6, 1)).payload == bytes_of(0x3FFFFC00, 1024));
    }
  }

  TEST_CASE("two clients and two bodies at once; each block asks the handler and reads itself only") {
    BodyHouse house;
    house.start();
    CoapClient one(house.port()), other(house.port());
    std::string a, b, c;
    for (unsigned number = 0; number < 10; ++number) {
      a += one.ask(get_block("file/1280", number, 3, 3 * number + 1)).payload;
      b += other.ask(get_block("file/1280", number, 3, 3 * number + 1)).payload;
      c += one.ask(get_block("file/160", number, 0, 3 * number + 2)).payload;
    }
    CHECK(a == bytes_of(0, 1280));
    CHECK(b == a);
    CHECK(c == bytes_of(0, 160));
    CHECK(house.handler->count() == 30);
    CHECK(house.body("1280")->reads == 20);
    CHECK(house.body("1280")->sent == 2 * 1280);
    CHECK(house.body("160")->sent == 160);
  }

  TEST_CASE("of a repeated request the block is read again; nothing is kept, however long ago [RFC 7252 4.5]") {
    BodyHouse house;
    house.start();
    CoapClient client(house.port());
    std::vector<CoapPdu> answers;
    for (unsigned number = 0; number < 20; ++number) {
      answers.push_back(client.ask(get_block("file/20480", number, 6, number + 1)));
    }
    for (const unsigned number : {19u, 19u, 10u, 0u}) {
      CHECK(client.ask(get_block("file/20480", number, 6, number + 1)) == answers.at(number));
    }
    CHECK(house.body("20480")->reads == 24);
    // Who asks non-confirmably repeats it as a new request.
    CoapPdu non = get_block("file/20480", 0, 6, 100);
    non.type = kNon;
    CHECK(client.ask(non).payload == bytes_of(0, 1024));
    client.send(non);
    CHECK(client.is_quiet());
    CHECK(house.body("20480")->reads == 25);
  }

  TEST_CASE("each block counts for the limit of requests in one second") {
    BodyHouse house;
    house.options.max_message_rate = 3;
    house.start();
    CoapClient client(house.port());
    for (unsigned number = 0; number < 3; ++number)
      CHECK(client.ask(get_block("file/9000", number, 6, number)).code == 205);
    // Repeated ones too: each costs a block.
    CHECK(client.ask(get_block("file/9000", 2, 6, 2)).code == 503);
    const CoapPdu refused = client.ask(get_block("file/9000", 3, 6, 3));
    CHECK(refused.code == 503);
    CHECK(refused.number(kMaxAge) == 1);
    CHECK(house.body("9000")->reads == 3);
    house.pass(1000);
    CHECK(client.ask(get_block("file/9000", 3, 6, 4)).payload == bytes_of(3072, 1024));
  }

  TEST_CASE("a body cannot be observed, and ends an observation with the same token [RFC 7641 4.1]") {
    BodyHouse house;
    auto& take = house.handler->take;
    take = [with_body = take](const CoapRequest& r, const CoapRespond& respond) {
      if (r.path == "/news") return respond({.code = 205, .payload = "x"});
      with_body(r, respond);
    };
    house.start();
    CoapClient client(house.port());
    const CoapPdu answer = client.ask(coap_get("file/100", 1).with(kObserve, ""));
    CHECK(answer.code == 205);
    CHECK_FALSE(answer.option(kObserve).has_value());
    CHECK(client.ask(coap_get("news", 2).with(kObserve, "")).option(kObserve).has_value());
    settle(house.thread());
    REQUIRE(house.handler->observers().size() == 1);
    CHECK_FALSE(client.ask(coap_get("file/100", 3).with(kObserve, "")).option(kObserve).has_value());
    settle(house.thread());
    CHECK(house.handler->last() == fmt::format("end {}", house.handler->observers().front()));
    CHECK(house.counters().observers == 0);
  }

  TEST_CASE("a body takes the place of a payload in blocks that was here before") {
    CoapHouse house;
    int count = 0;
    house.handler->take = [&](const CoapRequest&, const CoapRespond& respond) {
      if (++count == 1) return respond({.code = 205, .payload = std::string(3000, 'p')});
      respond({.body = std::make_shared<MadeBody>(3000)});
    };
    house.start();
    CoapClient client(house.port());
    CHECK(client.ask(coap_get("a", 1)).payload == std::string(1024, 'p'));
    CHECK(client.ask(get_block("a", 1, 6, 2)).payload == std::string(1024, 'p'));
    CHECK(client.ask(coap_get("a", 3)).payload == bytes_of(0, 1024));
    CHECK(client.ask(get_block("a", 1, 6, 4)).payload == bytes_of(1024, 1024));
  }

  TEST_CASE("what cannot be read, or is no answer to the request, is refused") {
    BodyHouse house;
    auto& bodies = house.bodies;
    bodies["10"] = std::make_shared<MadeBody>(10);
    bodies["10"]->fails = true;
    bodies["11"] = std::make_shared<MadeBody>(11);
    bodies["11"]->lacks = 1;
    bodies["12"] = std::make_shared<MadeBody>(12, "");
    house.start();
    CoapClient client(house.port());
    CHECK(client.ask(coap_get("file/10", 1)).code == 500);
    CHECK(client.ask(coap_get("file/11", 2)).code == 500);
    CHECK(client.ask(coap_get("file/12", 3)).code == 500);
    CHECK(client.ask(coap_post("file/13", "", 4)).code == 500);
    CHECK(client.ask(coap_request(5, "file/13", "", 5)).code == 500);
    CHECK(client.ask(coap_get("file/13", 6).with(kAccept, coap_number(50))).code == 406);
    CHECK(client.ask(coap_get("file/13", 7).with(kAccept, coap_number(42))).code == 205);
    const CoapPdu unwanted = client.ask(coap_get("file/13", 8).with(kNoResponse, coap_number(2)));
    CHECK(unwanted == CoapPdu{.type = kAck, .id = 8});
    CHECK(client.ask(coap_get("file/13", 9)).payload == bytes_of(0, 13));
  }

  TEST_CASE("the handler may answer later, in a message of its own, and the body is let go of") {
    CoapHouse house;
    Shared<CoapRespond> kept;
    house.handler->take = [&](const CoapRequest&, CoapRespond respond) { kept = std::move(respond); };
    house.start();
    CoapClient client(house.port());
    client.send(get_block("a", 1, 6, 1));
    REQUIRE(comes_true([&] { return house.handler->count() == 1; }));
    house.pass(1000);
    CHECK(client.receive() == CoapPdu{.type = kAck, .id = 1});
    const auto body = std::make_shared<MadeBody>(2048);
    run_on(house.thread(), [&] { kept.get()({.body = body}); });
    const CoapPdu answer = client.receive();
    CHECK(answer.type == kCon);
    CHECK(answer.payload == bytes_of(1024, 1024));
    client.acknowledge(answer);
    CHECK(body.use_count() == 1);
    // It was acknowledged once and is again.
    CHECK(client.ask(get_block("a", 1, 6, 1)) == CoapPdu{.type = kAck, .id = 1});
    CHECK(body->reads == 1);
    kept = nullptr;
  }
}

}  // namespace
}  // namespace jl::network

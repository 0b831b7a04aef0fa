// Bodies in blocks, both ways (RFC 7959).
#include "daemon/network/coap_server.hpp"

#include "tests/unit/daemon/network/coap_support.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;

std::string text_of(std::size_t size) {
  std::string out(size, ' ');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + i / 7 % 26);
  return out;
}

// Sends a body in blocks of 2^(exponent + 4) bytes and returns the last answer; the first that is no 2.31 ends it.
CoapPdu upload(const CoapClient& client, CoapPdu head, const std::string& body, unsigned exponent) {
  const std::size_t size = std::size_t{16} << exponent;
  CoapPdu answer;
  for (std::size_t number = 0; number * size < body.size(); ++number) {
    CoapPdu block = head;
    block.id = head.id + static_cast<unsigned>(number);
    block.payload = body.substr(number * size, size);
    const bool more = (number + 1) * size < body.size();
    block.with(kBlock1, coap_block(static_cast<unsigned>(number), more, exponent));
    answer = client.ask(block);
    CHECK(answer.option(kBlock1) == block.option(kBlock1));
    if (answer.code != 231) break;
  }
  return answer;
}

// Fetches what is left of a body after its first block.
std::string fetch_rest(const CoapClient& client, CoapPdu request, const CoapPdu& first) {
  std::string body = first.payload;
  CoapPdu last = first;
  while ((last.number(kBlock2) & 8u) != 0) {
    CoapPdu next = request;
    ++request.id;
    next.id = request.id;
    next.payload.clear();
    next.with(kBlock2, coap_block((last.number(kBlock2) >> 4) + 1, false, last.number(kBlock2) & 7u));
    last = client.ask(next);
    CHECK(last.option(kEtag) == first.option(kEtag));
    CHECK(last.code == first.code);
    body += last.payload;
  }
  return body;
}

TEST_SUITE("network.coap_block") {
  TEST_CASE("a body in blocks reaches the handler once, as one [RFC 7959 2.5]") {
    CoapHouse house;
    Shared<std::string> got;
    Shared<int> format;
    house.handler->take = [&](const CoapRequest& r, const CoapRespond& respond) {
      got = std::string(r.payload);
      format = r.content_format;
      respond({.code = 204, .payload = {}});
    };
    house.start();
    CoapClient client(house.port());
    for (const std::size_t size : {1u, 63u, 64u, 65u, 1000u, 5000u}) {
      CAPTURE(size);
      const std::string body = text_of(size);
      const auto id = static_cast<unsigned>(size * 10);
      const CoapPdu head = coap_post("a/b", "", id).with(kContentFormat, coap_number(60));
      CHECK(upload(client, head, body, 2).code == 204);
      CHECK(got.get() == body);
      CHECK(format.get() == 60);
    }
    CHECK(house.handler->count() == 6);
  }

  TEST_CASE("a lost answer to a block: the block comes again, in the same message or a new one") {
    CoapHouse house;
    house.start();
    CoapClient client(house.port());
    const auto block = [&](unsigned id, unsigned number, bool more) {
      return coap_post("a", std::string(16, static_cast<char>('0' + number)), id)
          .with(kBlock1, coap_block(number, more, 0));
    };
    CHECK(client.ask(block(1, 0, true)).code == 231);
    CHECK(client.ask(block(2, 1, true)).code == 231);
    CHECK(client.ask(block(2, 1, true)).code == 231);
    CHECK(client.ask(block(3, 1, true)).code == 231);
    CHECK(client.ask(block(4, 3, true)).code == 408);
    CHECK(client.ask(block(5, 2, false)).code == 204);
    CHECK(client.ask(block(5, 2, false)).code == 204);
    CHECK(house.handler->log() == std::vector<std::string>{"2 /a [48]"});
    // That body is done with; its blocks mean nothing any more.
    CHECK(client.ask(block(6, 2, false)).code == 408);
  }

  TEST_CASE("the client may begin anew, and send to two places at once") {
    CoapHouse house;
    house.start();
    CoapClient client(house.port());
    const auto block = [&](const char* path, unsigned id, unsigned number, bool more, char fill) {
      return coap_post(path, std::string(16, fill), id).with(kBlock1, coap_block(number, more, 0));
    };
    CHECK(client.ask(block("a", 1, 0, true, 'x')).code == 231);
    CHECK(client.ask(block("b", 2, 0, true, 'y')).code == 231);
    CHECK(client.ask(block("a", 3, 0, true, 'z')).code == 231);
    CHECK(client.ask(block("b", 4, 1, false, 'y')).code == 204);
    CHECK(client.ask(block("a", 5, 1, false, 'z')).code == 204);
    CHECK(house.handler->log() ==
          std::vector<std::string>{"2 /b " + std::string(32, 'y'), "2 /a " + std::string(32, 'z')});
  }

  TEST_CASE("a body that is too long is refused as soon as that is known [RFC 7959 2.9.3]") {
    CoapHouse house;
    house.options.max_message_bytes = 100;
    house.start();
    CoapClient client(house.port());
    const CoapPdu told = client.ask(
        coap_post("a", std::string(16, 'x'), 1).with(kBlock1, coap_block(0, true, 0)).with(kSize1, coap_number(101)));
    CHECK(told.code == 413);
    CHECK(told.number(kSize1) == 100);
    CHECK(upload(client, coap_post("a", "", 100), text_of(96), 1).code == 204);
    CHECK(upload(client, coap_post("a", "", 200), text_of(100), 1).code == 204);
    const CoapPdu found = upload(client, coap_post("a", "", 300), text_of(129), 1);
    CHECK(found.code == 413);
    CHECK((found.number(kBlock1) >> 4) == 3);
    CHECK(client.ask(coap_post("a", text_of(101), 400)).code == 413);
    CHECK(client.ask(coap_post("a", text_of(100), 401)).code == 204);
  }

  TEST_CASE("a body that is not completed is forgotten") {
    CoapHouse house;
    house.start();
    CoapClient client(house.port());
    CHECK(client.ask(coap_post("a", std::string(16, 'x'), 1).with(kBlock1, coap_block(0, true, 0))).code == 231);
    house.pass(93'000);
    house.pass(250);
    CHECK(client.ask(coap_post("a", "x", 2).with(kBlock1, coap_block(1, false, 0))).code == 408);
  }

  TEST_CASE("a long response is fetched in blocks, all of the same body [RFC 7959 2.4]") {
    CoapHouse house;
    int version = 0;
    house.handler->take = [&](const CoapRequest&, const CoapRespond& respond) {
      respond({.code = 205, .payload = text_of(3000 + static_cast<std::size_t>(++version))});
    };
    house.start();
    CoapClient client(house.port());
    SUBCASE("of the size that the server chooses") {
      const CoapPdu first = client.ask(coap_get("a", 1));
      CHECK(first.code == 205);
      CHECK(first.number(kBlock2) == (8u | 6u));
      CHECK(first.payload.size() == 1024);
      CHECK(first.number(kContentFormat) == 50);
      CHECK(fetch_rest(client, coap_get("a", 1), first) == text_of(3001));
      CHECK(house.handler->count() == 1);
    }
    SUBCASE("of the size that the client asks for") {
      const CoapPdu first = client.ask(coap_get("a", 1).with(kBlock2, coap_block(0, false, 3)));
      CHECK(first.payload.size() == 128);
      CHECK(fetch_rest(client, coap_get("a", 1), first) == text_of(3001));
      CHECK(house.handler->count() == 1);
    }
    SUBCASE("also after a body in blocks was sent") {
      CoapPdu first = upload(client, coap_post("a", "", 1), text_of(2000), 5);
      CHECK(first.code == 205);
      CHECK(fetch_rest(client, coap_post("a", "", 100), first) == text_of(3001));
    }
    SUBCASE("a block behind the end") {
      CHECK(client.ask(coap_get("a", 1)).code == 205);
      CHECK(client.ask(coap_get("a", 2).with(kBlock2, coap_block(3, false, 6))).code == 400);
    }
    SUBCASE("of a body that is not kept any more the handler is asked again, when that is safe") {
      CHECK(client.ask(coap_get("a", 1).with(kBlock2, coap_block(1, false, 6))).payload ==
            text_of(3001).substr(1024, 1024));
      CHECK(house.handler->count() == 1);
      CHECK(client.ask(coap_post("b", "", 2).with(kBlock2, coap_block(1, false, 6))).code == 408);
    }
    SUBCASE("a repeated request for a block gets that block") {
      CHECK(client.ask(coap_get("a", 1)).payload == text_of(3001).substr(0, 1024));
      const CoapPdu second = coap_get("a", 2).with(kBlock2, coap_block(1, false, 6));
      const CoapPdu answer = client.ask(second);
      CHECK(answer.payload == text_of(3001).substr(1024, 1024));
      CHECK(client.ask(second) == answer);
    }
  }

  TEST_CASE("a response that fits is not cut, and says so when the client asked for blocks") {
    CoapHouse house;
    house.handler->take = [&](const CoapRequest&, const CoapRespond& respond) {
      respond({.code = 205, .payload = text_of(1024)});
    };
    house.start();
    CoapClient client(house.port());
    const CoapPdu whole = client.ask(coap_get("a", 1));
    CHECK(whole.payload == text_of(1024));
    CHECK_FALSE(whole.option(kBlock2).has_value());
    CHECK(client.ask(coap_get("a", 2).with(kBlock2, coap_block(0, false, 6))).option(kBlock2) ==
          coap_block(0, false, 6));
  }
}

}  // namespace
}  // namespace jl::network

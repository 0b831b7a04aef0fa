#include "daemon/wire/websocket/frames.hpp"

#include "tests/support/websocket_frames.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::wire::websocket {
namespace {

using namespace jl::test;

template <class Append>
std::string made(Append append) {
  std::string out = "before";
  append(out);
  return out.substr(6);
}

TEST_SUITE("wire.websocket.frames") {
  TEST_CASE("messages are written in one frame with the shortest length and no mask [RFC 6455 5.2]") {
    for (const std::size_t size : {0, 1, 125, 126, 65535, 65536, 100'000}) {
      CAPTURE(size);
      const std::string message(size, 'm');
      CHECK(made([&](std::string& out) { append_message(out, message, true, 0); }) == server_frame(0x81, message));
      CHECK(made([&](std::string& out) { append_message(out, message, false, 0); }) == server_frame(0x82, message));
    }
  }

  TEST_CASE("a message is compressed when that was agreed on and makes it smaller [RFC 7692 6.1]") {
    const std::string message(2000, 'm');
    const std::string bytes = made([&](std::string& out) { append_message(out, message, true, 15); });
    CHECK(bytes.size() < 40);
    CHECK(bytes.front() == '\xC1');
    CHECK(inflated(bytes.substr(2)) == message);
    CHECK(made([&](std::string& out) { append_message(out, "short", true, 15); }) == server_frame(0x81, "short"));
    std::string numbers;
    for (unsigned i = 0; i < 256; ++i) numbers.push_back(static_cast<char>(i * 167 % 256));
    CHECK(made([&](std::string& out) { append_message(out, numbers, false, 15); }) == server_frame(0x82, numbers));
  }

  TEST_CASE("control frames [RFC 6455 5.5]") {
    CHECK(made([](std::string& out) { append_ping(out); }) == std::string("\x89\x00", 2));
    CHECK(made([](std::string& out) { append_pong(out, "Hello"); }) == "\x8A\x05Hello");
    CHECK(made([](std::string& out) { append_pong(out, std::string(125, 'x')); }).size() == 127);
    CHECK(made([](std::string& out) { append_close(out, 1014, "Unauthorized"); }) == "\x88\x0E\x03\xF6Unauthorized");
    CHECK(made([](std::string& out) { append_close(out, kNoStatus, "not sent"); }) == std::string("\x88\x00", 2));
  }

  TEST_CASE("a code that no close frame may carry is replaced, a long reason is cut between characters") {
    for (const int code : {0, 999, 1004, 1006, 1015, 2999, 5000}) {
      CAPTURE(code);
      CHECK(made([&](std::string& out) { append_close(out, static_cast<std::uint16_t>(code), ""); }) ==
            server_close(1011));
    }
    std::string reason(122, 'x');
    CHECK(made([&](std::string& out) { append_close(out, 1000, reason + "ab"); }) == server_close(1000, reason + "a"));
    CHECK(made([&](std::string& out) { append_close(out, 1000, reason + "\xE2\x82\xAC"); }) ==
          server_close(1000, reason));
  }
}

}  // namespace
}  // namespace jl::wire::websocket

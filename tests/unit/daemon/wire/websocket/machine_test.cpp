// What a client may send and what it may not, along the case families of the Autobahn suite.
#include "daemon/wire/websocket/machine.hpp"

#include "tests/unit/daemon/wire/websocket/machine_support.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace jl::wire::websocket {
namespace {

using namespace test;

struct Row {
  std::string name;
  std::string bytes;
  Story story;
};

void check(const std::vector<Row>& rows, const Setting& setting = {}) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(story_of(row.bytes, setting) == row.story);
  }
}

std::string part(unsigned opcode, std::string payload, bool fin, unsigned reserved = 0) {
  return frame({.opcode = opcode, .payload = std::move(payload), .fin = fin, .reserved = reserved});
}
std::string ping(std::string payload) { return frame({.opcode = 9, .payload = std::move(payload)}); }
std::string pong(std::string payload) { return frame({.opcode = 10, .payload = std::move(payload)}); }

TEST_SUITE("wire.websocket") {
  TEST_CASE("a masked Hello is read as the standard writes it [RFC 6455 5.7]") {
    CHECK(story_of("\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58") == Story{"text Hello"});
    CHECK(story_of(std::string("\x81\x80\0\0\0\0", 6)) == Story{"text "});
  }

  TEST_CASE("messages of every form of length arrive whole [RFC 6455 5.2]") {
    for (const std::size_t size : {0, 1, 7, 8, 9, 125, 126, 127, 128, 65535, 65536, 65537}) {
      CAPTURE(size);
      const std::string payload(size, '*');
      CHECK(story_of(text_frame(payload)) == Story{"text " + StoryTeller::brief(payload)});
      std::string bytes(size, '\0');
      for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
      CHECK(story_of(frame({.opcode = 2, .payload = bytes})) == Story{"binary " + StoryTeller::brief(bytes)});
    }
  }

  TEST_CASE("a length that is not in its shortest form, or over 63 bits, is refused [RFC 6455 5.2]") {
    const std::string key("\0\0\0\0", 4);
    for (const std::uint64_t length : {0, 1, 125}) {
      CAPTURE(length);
      CHECK(story_of("\x81\xFE" + big_endian(length, 2) + key) == Story{"fail 1002"});
    }
    for (const std::uint64_t length : {0, 126, 65535}) {
      CAPTURE(length);
      CHECK(story_of("\x81\xFF" + big_endian(length, 8) + key) == Story{"fail 1002"});
    }
    CHECK(story_of("\x81\xFF" + big_endian(std::uint64_t{1} << 63u, 8) + key) == Story{"fail 1002"});
    CHECK(story_of("\x81\xFF" + big_endian(INT64_MAX, 8) + key) == Story{"fail 1009"});
  }

  TEST_CASE("pings and pongs carry up to 125 bytes and nothing is expected of a pong [RFC 6455 5.5]") {
    check({
        {"ping without payload", ping(""), {"ping "}},
        {"ping with text", ping("Hello"), {"ping Hello"}},
        {"ping with bytes",
         ping(std::string("\x00\xFF\xFE\xFD\xFC\xFB\x00\xFF", 8)),
         {"ping " + std::string("\x00\xFF\xFE\xFD\xFC\xFB\x00\xFF", 8)}},
        {"ping of 125 bytes", ping(std::string(125, '\xFE')), {"ping " + StoryTeller::brief(std::string(125, '\xFE'))}},
        {"ping of 126 bytes", ping(std::string(126, '\xFE')), {"fail 1002"}},
        {"pong nobody asked for", pong("x") + ping("y"), {"pong x", "ping y"}},
        {"fragmented ping", part(9, "x", false), {"fail 1002"}},
        {"three pings at once", ping("1") + ping("2") + ping("3"), {"ping 1", "ping 2", "ping 3"}},
    });
  }

  TEST_CASE("reserved bits without a meaning are refused, whatever the frame [RFC 6455 5.2]") {
    for (unsigned reserved = 1; reserved < 8; ++reserved) {
      for (const unsigned opcode : {1u, 2u, 8u, 9u, 10u}) {
        CAPTURE(reserved);
        CAPTURE(opcode);
        const std::string before = text_frame("ok");
        const auto story = story_of(before + part(opcode, "", true, reserved), {.inflates = false});
        CHECK(story == Story{"text ok", "fail 1002"});
      }
    }
    // With permessage-deflate the first one means compressed; nowhere but on a message's first frame [RFC 7692 6].
    CHECK(story_of(part(9, "", true, 4)) == Story{"fail 1002"});
    CHECK(story_of(part(8, "", true, 4)) == Story{"fail 1002"});
    CHECK(story_of(part(1, "a", false) + part(0, "b", true, 4)) == Story{"fail 1002"});
    CHECK(story_of(part(1, "a", true, 6)) == Story{"fail 1002"});
  }

  TEST_CASE("reserved opcodes are refused [RFC 6455 5.2]") {
    for (const unsigned opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
      CAPTURE(opcode);
      CHECK(story_of(text_frame("a") + part(opcode, "", true) + ping("")) == Story{"text a", "fail 1002"});
    }
  }

  TEST_CASE("a client's frame that is not masked is refused before its payload [RFC 6455 5.1]") {
    for (const unsigned opcode : {1u, 2u, 8u, 9u, 10u}) {
      CAPTURE(opcode);
      CHECK(story_of(frame({.opcode = opcode, .masked = false}).substr(0, 2)) == Story{"fail 1002"});
    }
  }

  TEST_CASE("messages may come in fragments with control frames between [RFC 6455 5.4]") {
    check({
        {"two", part(1, "frag", false) + part(0, "ment", true), {"text fragment"}},
        {"ping between", part(1, "frag", false) + ping("p") + part(0, "ment", true), {"ping p", "text fragment"}},
        {"empty ones", part(1, "", false) + part(0, "", false) + part(0, "", true), {"text "}},
        {"empty last", part(2, "a", false) + part(0, "b", false) + part(0, "", true), {"binary ab"}},
        {"another message after", part(1, "a", false) + part(0, "b", true) + text_frame("c"), {"text ab", "text c"}},
        {"fragmented pong", part(10, "a", false) + part(0, "b", true), {"fail 1002"}},
        {"continuation of nothing", part(0, "a", true) + text_frame("b"), {"fail 1002"}},
        {"unfinished continuation of nothing", part(0, "a", false), {"fail 1002"}},
        {"continuation after the last", part(1, "a", true) + part(0, "b", true), {"text a", "fail 1002"}},
        {"message inside a message", part(1, "a", false) + part(1, "b", true), {"fail 1002"}},
        {"binary inside text", part(1, "a", false) + part(2, "b", false), {"fail 1002"}},
        {"close between", part(1, "a", false) + close_frame(1000) + part(0, "b", true), {"close 1000 "}},
    });
  }

  TEST_CASE("text must be UTF-8 as a whole, not fragment by fragment [RFC 6455 8.1]") {
    check({
        {"plain", text_frame("Hello-\xC2\xB5@\xC3\x9F\xC3\xB6"), {"text Hello-\xC2\xB5@\xC3\x9F\xC3\xB6"}},
        {"a character in two fragments", part(1, "\xCE", false) + part(0, "\xBA", true), {"text \xCE\xBA"}},
        {"U+0000", text_frame(std::string("a\0b", 3)), {"text " + std::string("a\0b", 3)}},
        {"U+10FFFF", text_frame("\xF4\x8F\xBF\xBF"), {"text \xF4\x8F\xBF\xBF"}},
        {"noncharacter U+FFFF", text_frame("\xEF\xBF\xBF"), {"text \xEF\xBF\xBF"}},
        {"beyond U+10FFFF", text_frame("\xF4\x90\x80\x80"), {"fail 1007"}},
        {"surrogate", text_frame("\xED\xA0\x80"), {"fail 1007"}},
        {"overlong slash", text_frame("\xC0\xAF"), {"fail 1007"}},
        {"overlong, three bytes", text_frame("\xE0\x80\xAF"), {"fail 1007"}},
        {"five bytes", text_frame("\xF8\x88\x80\x80\x80"), {"fail 1007"}},
        {"lonely continuation", text_frame("\x80"), {"fail 1007"}},
        {"cut off", text_frame("\xCE\xBA\xE1\xBD"), {"fail 1007"}},
        {"impossible byte", text_frame("a\xFF"), {"fail 1007"}},
        {"in the second fragment", part(1, "a", false) + part(0, "\xFE", true), {"fail 1007"}},
        {"binary may be anything", frame({.opcode = 2, .payload = "\xFF\xFE"}), {"binary \xFF\xFE"}},
    });
  }

  TEST_CASE("a close frame is the last thing that is read [RFC 6455 5.5.1]") {
    check({
        {"without code", frame({.opcode = 8}), {"close 1005 "}},
        {"with code", close_frame(1000), {"close 1000 "}},
        {"with reason", close_frame(1000, "bye \xE2\x82\xAC"), {"close 1000 bye \xE2\x82\xAC"}},
        {"longest reason",
         close_frame(1000, std::string(123, 'x')),
         {"close 1000 " + StoryTeller::brief(std::string(123, 'x'))}},
        {"too long", close_frame(1000, std::string(124, 'x')), {"fail 1002"}},
        {"half a code", frame({.opcode = 8, .payload = "\x03"}), {"fail 1002"}},
        {"reason is not UTF-8", close_frame(1000, "\xCE\xBA\xE1\xBD"), {"fail 1007"}},
        {"reason with a surrogate", close_frame(1000, "\xED\xA0\x80"), {"fail 1007"}},
        {"message after", close_frame(1000) + text_frame("x") + ping(""), {"close 1000 "}},
        {"second close after", close_frame(1001) + close_frame(1000), {"close 1001 "}},
        {"fragmented", part(8, big_endian(1000, 2), false), {"fail 1002"}},
    });
  }

  TEST_CASE("close codes that may not be in a frame are refused [RFC 6455 7.4]") {
    const auto is_allowed = [](unsigned code) {
      return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
             (code >= 3000 && code <= 4999);
    };
    for (unsigned code = 0; code < 65536; code += code >= 990 && code < 5010 ? 1 : 97) {
      CAPTURE(code);
      StoryTeller teller;
      Machine machine(1000, false);
      machine.feed(close_frame(code), teller);
      CHECK(teller.story == Story{is_allowed(code) ? "close " + std::to_string(code) + " " : "fail 1002"});
    }
  }

  TEST_CASE("a message over the limit is refused at the head that makes it so") {
    const Setting small{.max_message = 10, .inflates = false};
    check(
        {
            {"at the limit", text_frame(std::string(10, 'x')), {"text xxxxxxxxxx"}},
            {"over", text_frame(std::string(11, 'x')).substr(0, 6), {"fail 1009"}},
            {"in fragments, at the limit", part(1, "12345", false) + part(0, "67890", true), {"text 1234567890"}},
            {"in fragments, over", part(1, "12345", false) + part(0, "678901", true).substr(0, 6), {"fail 1009"}},
            {"huge", "\x82\xFF" + big_endian(std::uint64_t{1} << 62u, 8) + "abcd", {"fail 1009"}},
            {"the next message has a limit of its own",
             text_frame("1234567890") + text_frame("abc"),
             {"text 1234567890", "text abc"}},
            {"pings are not messages", ping("123456789012"), {"ping 123456789012"}},
        },
        small);
  }

  TEST_CASE("after ignore() only close frames and violations are told, after stop() nothing") {
    check(
        {
            {"ignored",
             text_frame("ignore") + text_frame("a") + ping("b") + pong("c") + close_frame(1000),
             {"text ignore", "close 1000 "}},
            {"ignored beyond the limit",
             text_frame("ignore") + frame({.opcode = 2, .payload = std::string(300'000, 'x')}) + close_frame(1000),
             {"text ignore", "close 1000 "}},
            {"ignored text that is not UTF-8",
             text_frame("ignore") + text_frame("\xFF") + close_frame(1000),
             {"text ignore", "close 1000 "}},
            {"framing still counts", text_frame("ignore") + frame({.masked = false}), {"text ignore", "fail 1002"}},
            {"stopped", text_frame("stop") + text_frame("a") + close_frame(1000), {"text stop"}},
        },
        {.max_message = 1000});
  }

  TEST_CASE("nothing is held between messages, and little of one that has not come") {
    StoryTeller teller;
    Machine machine(1u << 30u, false);
    // A frame of half a gigabyte is announced: what is held is what came.
    machine.feed("\x82\xFF" + big_endian(1u << 29u, 8) + "abcd" + "123", teller);
    CHECK(machine.held_bytes() == 3);
    Machine other(1000, false);
    other.feed(text_frame(std::string(900, 'x')), teller);
    CHECK(other.held_bytes() == 0);
    // Fragments without content are not stored.
    other.feed(part(1, "", false), teller);
    for (int i = 0; i < 10'000; ++i) other.feed(part(0, "", false), teller);
    CHECK(other.held_bytes() == 0);
    CHECK(sizeof(Machine) <= 112);
  }
}

}  // namespace
}  // namespace jl::wire::websocket

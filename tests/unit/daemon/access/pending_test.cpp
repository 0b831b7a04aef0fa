#include "daemon/access/pending.hpp"

#include <doctest/doctest.h>

namespace jl::access {
namespace {

using codec::DeviceMessage;
using codec::MessageType;

struct Fixture {
  network::TimerWheel timers{1000};
  std::vector<Result<CommandReply>> results;
  PendingCommands pending{timers};  // last: what still waits is answered when it goes

  void wait_for(const std::string& device, const std::string& id, Millis timeout = 10'000) {
    pending.add(device, id, MessageType::read_property_reply, timeout,
                [this](Result<CommandReply> result) { results.push_back(std::move(result)); });
  }
  static DeviceMessage reply(const std::string& device, const std::string& id, const std::string& properties) {
    DeviceMessage out;
    out.type = MessageType::read_property_reply;
    out.device_id = device;
    out.message_id = id;
    out.json = R"({"messageType":"READ_PROPERTY_REPLY","properties":)" + properties + "}";
    return out;
  }
};

}  // namespace

TEST_SUITE("access.pending") {
  TEST_CASE("an answer ends the command of its device and message id, and no other [access 5.7]") {
    Fixture f;
    f.wait_for("d1", "m1");
    f.wait_for("d1", "m2");
    CHECK_FALSE(f.pending.complete(Fixture::reply("d2", "m1", "{}")));
    CHECK_FALSE(f.pending.complete(Fixture::reply("d1", "m3", "{}")));
    CHECK(f.pending.complete(Fixture::reply("d1", "m2", R"({"t":1})")));
    REQUIRE(f.results.size() == 1);
    REQUIRE(f.results[0].has_value());
    CHECK(f.results[0]->message_id == "m2");
    CHECK(f.results[0]->message.at("properties").at("t") == boost::json::value(1));
    CHECK(f.pending.size() == 1);
    CHECK_FALSE(f.pending.complete(Fixture::reply("d1", "m2", "{}")));
  }

  TEST_CASE("a message that is no reply completes nothing, whatever its id") {
    Fixture f;
    f.wait_for("d1", "m1");
    DeviceMessage report = Fixture::reply("d1", "m1", "{}");
    report.type = MessageType::report_property;
    CHECK_FALSE(f.pending.complete(report));
  }

  TEST_CASE("a failed answer is a device error with its code and text [wire 1.2]") {
    Fixture f;
    f.wait_for("d1", "m1");
    DeviceMessage failure = Fixture::reply("d1", "m1", "{}");
    failure.success = false;
    failure.code = "E42";
    failure.text = "sensor lost";
    CHECK(f.pending.complete(failure));
    REQUIRE(f.results.size() == 1);
    CHECK(f.results[0].error().code == Errc::device_error);
    CHECK(f.results[0].error().message == "device \"d1\" answered with a failure E42: sensor lost");
  }

  TEST_CASE("silence ends in a timeout once, not before its time") {
    Fixture f;
    f.wait_for("d1", "m1", 5000);
    f.timers.advance(1000 + 4999);
    CHECK(f.results.empty());
    f.timers.advance(1000 + 5000 + 2 * network::TimerWheel::kResolution);
    REQUIRE(f.results.size() == 1);
    CHECK(f.results[0].error().code == Errc::timeout);
    CHECK(f.pending.size() == 0);
  }

  TEST_CASE("parts of an answer are merged, and the last one ends the command [wire 1.4 frag_*]") {
    Fixture f;
    f.wait_for("d1", "m1");
    DeviceMessage part = Fixture::reply("d1", "x", R"({"a":1})");
    part.headers.frag_msg_id = "m1";
    part.headers.frag_num = 2;
    CHECK(f.pending.complete(part));
    CHECK(f.results.empty());
    part = Fixture::reply("d1", "y", R"({"b":2})");
    part.headers.frag_msg_id = "m1";
    part.headers.frag_last = true;
    CHECK(f.pending.complete(part));
    REQUIRE(f.results.size() == 1);
    CHECK(f.results[0]->message.at("properties") == boost::json::parse(R"({"a":1,"b":2})"));
  }

  TEST_CASE("a device that sends parts without end is cut off, and a failed part is a failure at once") {
    Fixture f;
    f.wait_for("d1", "m1");
    DeviceMessage part = Fixture::reply("d1", "m1", R"({"a":1})");
    part.headers.frag_msg_id = "m1";
    for (std::size_t i = 0; i < PendingCommands::kMaxFragments; ++i) CHECK(f.pending.complete(part));
    CHECK(f.results.empty());
    CHECK(f.pending.complete(part));
    REQUIRE(f.results.size() == 1);
    CHECK(f.results[0].error().code == Errc::device_error);

    f.wait_for("d1", "m1");
    part.success = false;
    CHECK(f.pending.complete(part));
    REQUIRE(f.results.size() == 2);
    CHECK(f.results[1].error().code == Errc::device_error);
  }

  TEST_CASE("a device that says replyNoMessageId answers its oldest command of that type [wire 1.4]") {
    Fixture f;
    f.wait_for("d1", "m1");
    f.wait_for("d1", "m2");
    DeviceMessage bare = Fixture::reply("d1", "", "{}");
    bare.headers.reply_no_message_id = true;
    CHECK(f.pending.complete(bare));
    REQUIRE(f.results.size() == 1);
    CHECK(f.results[0]->message_id == "m1");
  }

  TEST_CASE("whoever waits is told when the connection goes") {
    std::vector<Errc> codes;
    {
      network::TimerWheel timers{0};
      PendingCommands pending{timers};
      for (const char* id : {"m1", "m2"}) {
        pending.add("d1", id, MessageType::read_property_reply, 1000,
                    [&](const Result<CommandReply>& result) { codes.push_back(result.error().code); });
      }
    }
    CHECK(codes == std::vector<Errc>{Errc::connection_lost, Errc::connection_lost});
  }
}

}  // namespace jl::access

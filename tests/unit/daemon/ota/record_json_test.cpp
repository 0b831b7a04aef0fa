#include "daemon/ota/record.hpp"

#include <doctest/doctest.h>

#include <cstdint>

namespace jl::ota {

namespace {

Record full() {
  Record record;
  record.device_id = "d1";
  record.state = State::failed;
  record.progress = 63;
  record.milestone = 50;
  record.reported = record.timed_out = true;
  record.attempt = 2;
  record.auto_retries = 1;
  record.group = 3;
  record.create_time = 1'700'000'000'000;
  record.upgrade_time = 1'700'000'001'000;
  record.ack_time = 1'700'000'002'000;
  record.ack_deadline = 1'700'000'060'000;
  record.deadline = 1'700'003'600'000;
  record.complete_time = 1'700'000'005'500;
  record.not_before = 1'700'000'009'000;
  record.bytes_served = 4'000'000'000;
  record.old_version = "1.0.0";
  record.message_id = "ota-x-1";
  record.error_reason = "bad \"crc\" 坏";
  record.note = "late";
  record.steps = {{1'700'000'001'000, "dispatched", "attempt 1"}, {1'700'000'002'000, "acknowledged", ""}};
  return record;
}

}  // namespace

TEST_SUITE("ota.record_json") {
  TEST_CASE("a record comes back from the store as it was") {
    const Record before = full();
    const auto after = record_from_stored("d1", to_stored(before));
    REQUIRE(after.has_value());
    CHECK(to_stored(*after) == to_stored(before));
    CHECK(to_document(*after, true) == to_document(before, true));
    CHECK(after->milestone == 50);
    CHECK(after->reported);
    CHECK(after->timed_out);
    CHECK(after->auto_retries == 1);
    CHECK(after->ack_deadline == before.ack_deadline);
    CHECK(after->message_id == before.message_id);
  }

  TEST_CASE("only what is not the default is stored") {
    Record record;
    record.device_id = "d1";
    record.create_time = 5;
    CHECK(to_stored(record) == R"({"state":"waiting","createTime":5})");
  }

  TEST_CASE("texts that are no UTF-8 do not make what is stored unreadable") {
    Record record;
    record.old_version = "1.\xFF";
    const auto after = record_from_stored("d1", to_stored(record));
    REQUIRE(after.has_value());
    CHECK(after->old_version == "1.\xEF\xBF\xBD");
  }

  TEST_CASE("what makes no sense is refused as corrupt") {
    const char* table[] = {
        "",
        "[]",
        "null",
        "{",
        "{}",
        R"({"state":"queued"})",
        R"({"state":1})",
        R"({"state":"waiting","progress":101})",
        R"({"state":"waiting","progress":-1})",
        R"({"state":"waiting","progress":1.5})",
        R"({"state":"waiting","progress":"1"})",
        R"({"state":"waiting","attempt":4000000000})",
        R"({"state":"waiting","group":64})",
        R"({"state":"waiting","createTime":253402300800000})",
        R"({"state":"waiting","bytesServed":18446744073709551615})",
        R"({"state":"waiting","reported":1})",
        R"({"state":"waiting","note":[]})",
        R"({"state":"waiting","steps":{}})",
        R"({"state":"waiting","steps":[[1]]})",
        R"({"state":"waiting","steps":[[1,"x","y","z"]]})",
        R"({"state":"waiting","steps":[["1","x"]]})",
        R"({"state":"waiting","steps":[[-1,"x"]]})",
        R"({"state":"waiting","steps":[[1,2]]})",
        R"({"state":"processing"})",
        "{\"state\":\"waiting\",\"note\":\"\xFF\"}",
    };
    for (const char* text : table) {
      CAPTURE(text);
      const auto read = record_from_stored("d1", text);
      REQUIRE(!read.has_value());
      CHECK(read.error().code == Errc::corrupt);
    }
    std::string many = R"({"state":"waiting","steps":[)";
    for (std::size_t i = 0; i <= Record::kMaxSteps; ++i) many += i == 0 ? R"([1,"x"])" : R"(,[1,"x"])";
    CHECK(!record_from_stored("d1", many + "]}").has_value());
    CHECK(record_from_stored("d1", R"({"state":"waiting","ofTomorrow":1})").has_value());
  }

  TEST_CASE("the API shows times as RFC 3339, and steps only when asked") {
    const auto shown = boost::json::serialize(to_document(full(), true));
    CHECK(shown == R"({"deviceId":"d1","state":"failed","progress":63,"attempt":2,"group":3,)"
                   R"("createTime":"2023-11-14T22:13:20.000Z","upgradeTime":"2023-11-14T22:13:21.000Z",)"
                   R"("ackTime":"2023-11-14T22:13:22.000Z","deadline":"2023-11-14T23:13:20.000Z",)"
                   R"("completeTime":"2023-11-14T22:13:25.500Z","notBefore":"2023-11-14T22:13:29.000Z",)"
                   R"("bytesServed":4000000000,"oldVersion":"1.0.0","errorReason":"bad \"crc\" 坏","note":"late",)"
                   R"("steps":[{"time":"2023-11-14T22:13:21.000Z","event":"dispatched","detail":"attempt 1"},)"
                   R"({"time":"2023-11-14T22:13:22.000Z","event":"acknowledged"}]})");
    CHECK(!to_document(full(), false).contains("steps"));
  }

  TEST_CASE("what is absent is left out") {
    Record record;
    record.device_id = "d1";
    record.create_time = 1'700'000'000'000;
    CHECK(boost::json::serialize(to_document(record, false)) ==
          R"({"deviceId":"d1","state":"waiting","progress":0,"attempt":0,"group":0,)"
          R"("createTime":"2023-11-14T22:13:20.000Z"})");
  }
}

}  // namespace jl::ota

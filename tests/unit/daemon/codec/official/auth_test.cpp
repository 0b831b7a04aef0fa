#include "support.hpp"

#include <doctest/doctest.h>
#include <limits>
#include <set>

using namespace jl;
using codec::AuthOutcome;

namespace {
// md5("sid-1|1700000000000|skey-1"), from the wire vectors.
constexpr std::string_view kHash = "88eff6ccf6dcf7ae0609167b1e99c198";

AuthOutcome login(std::string_view username, std::string_view password, std::string secure_type = "",
                  Millis now = test::kNow) {
  auto device = test::device({{"secureId", "sid-1"}, {"secureKey", "skey-1"}});
  if (!secure_type.empty()) device.configuration.emplace("secureType", Secret(std::move(secure_type)));
  return codec::official_protocol().authenticate({"d1", username, password}, device, now);
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("auto mode takes a name with a time as md5 and any other as plaintext [wire.md 2.1]") {
    CHECK(login("sid-1|1700000000000", kHash) == AuthOutcome::ok);
    CHECK(login("sid-1|+1700000000000", "00") == AuthOutcome::bad_credentials);
    CHECK(login("sid-1", "skey-1") == AuthOutcome::ok);
    CHECK(login("sid-1", "skey-1", "auto") == AuthOutcome::ok);
    CHECK(login("sid-1", "skey-2") == AuthOutcome::bad_credentials);
    CHECK(login("sid-2", "skey-1") == AuthOutcome::bad_credentials);
    CHECK(login("sid-1|1700000000000", "skey-1") == AuthOutcome::bad_credentials);
    CHECK(login("sid-1|", "skey-1") == AuthOutcome::bad_credentials);
  }

  TEST_CASE("a pinned mode takes nothing else [wire.md 2.1]") {
    CHECK(login("sid-1", "skey-1", "md5") == AuthOutcome::bad_format);
    CHECK(login("sid-1|12x", kHash, "md5") == AuthOutcome::bad_format);
    CHECK(login("sid-1||", kHash, "md5") == AuthOutcome::bad_format);
    CHECK(login("sid-1|99999999999999999999", kHash, "md5") == AuthOutcome::bad_format);
    CHECK(login("sid-1|1700000000000", kHash, "md5") == AuthOutcome::ok);
    CHECK(login("sid-1|1700000000000", kHash, "plaintext") == AuthOutcome::bad_credentials);
    CHECK(login("sid-1", "skey-1", "plaintext") == AuthOutcome::ok);
    CHECK(login("sid-1", "skey-1", "sha1") == AuthOutcome::unsupported);
  }

  TEST_CASE("times at the ends of int64 are skewed, not overflowed [wire.md 2.1]") {
    CHECK(login("sid-1|9223372036854775807", kHash) == AuthOutcome::clock_skew);
    CHECK(login("sid-1|-9223372036854775808", kHash) == AuthOutcome::clock_skew);
    CHECK(login("sid-1|9223372036854775807", kHash, "", std::numeric_limits<Millis>::min()) == AuthOutcome::clock_skew);
    CHECK(login("sid-1|1700000000000", kHash, "", test::kNow + 300'000) == AuthOutcome::ok);
    CHECK(login("sid-1|1700000000000", kHash, "", test::kNow + 300'001) == AuthOutcome::clock_skew);
    CHECK(login("sid-1|1700000000000", kHash, "", test::kNow - 300'000) == AuthOutcome::ok);
    CHECK(login("sid-1|1700000000000", kHash, "", test::kNow - 300'001) == AuthOutcome::clock_skew);
  }

  TEST_CASE("a device without credentials lets nobody in") {
    const auto& protocol = codec::official_protocol();
    CHECK(protocol.authenticate({"d1", "", ""}, test::device(), test::kNow) == AuthOutcome::not_configured);
    CHECK(protocol.authenticate({"d1", "", ""}, test::device({{"secureId", "a"}}), test::kNow) ==
          AuthOutcome::not_configured);
    CHECK(protocol.authenticate({"d1", "a", ""}, test::device({{"secureId", "a"}, {"secureKey", ""}}), test::kNow) ==
          AuthOutcome::not_configured);
  }

  TEST_CASE("every outcome of authentication has its own words for the log") {
    std::set<std::string_view> words;
    for (int i = 0; i <= static_cast<int>(AuthOutcome::not_configured); ++i) {
      words.insert(codec::to_string(static_cast<AuthOutcome>(i)));
    }
    CHECK(words.size() == 6);
    CHECK(words.count("") == 0);
  }

  TEST_CASE("oversized credentials are refused unread") {
    CHECK(login(std::string(5000, 'x'), "skey-1") == AuthOutcome::bad_format);
    CHECK(login("sid-1", std::string(5000, 'x')) == AuthOutcome::bad_format);
  }
}

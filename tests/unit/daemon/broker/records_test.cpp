#include "daemon/broker/records.hpp"

#include <doctest/doctest.h>

namespace jl::broker::records {
namespace {

using wire::mqtt::Delivery;
using wire::mqtt::Message;
using Phase = wire::mqtt::OutboundExchange::Phase;

const std::vector<std::string> kNames = {"", "a", "dev/1", "with space", "\xC3\xA9\xF0\x9F\x98\x80", "+#$", "q", "s"};

Message sample() {
  return {.topic = "a/b/\xC3\xA9",
          .payload = std::string("p\0q", 3),
          .properties = std::string("\x01\x00\x01", 3),
          .qos = 2,
          .retain = true,
          .expires_at = 1'700'000'000'123};
}

void check_same(const Message& a, const Message& b) {
  CHECK(a.topic == b.topic);
  CHECK(a.payload == b.payload);
  CHECK(a.properties == b.properties);
  CHECK(a.qos == b.qos);
  CHECK(a.retain == b.retain);
  CHECK(a.expires_at == b.expires_at);
}

/// Nothing shorter, nothing longer and no other version is read.
template <class Decode>
void check_refused(const std::string& whole, Decode decode, std::size_t but_at = 0) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    if (size == but_at && but_at != 0) continue;
    CHECK_MESSAGE(!decode(whole.substr(0, size)), size);
  }
  CHECK_FALSE(decode(whole + '\0'));
  std::string other = whole;
  other[0] = 2;
  CHECK_FALSE(decode(other));
}

TEST_CASE("keys tell component, kind, client and number, whatever the client is called") {
  std::string out;
  for (const auto& name : kNames) {
    for (const Kind kind : {Kind::session, Kind::retained}) {
      key(out, "net", kind, name);
      CHECK(out.starts_with(prefix("net", kind)));
      CHECK(name_of(out, "net", kind)->client == name);
    }
    for (const Kind kind : {Kind::queued, Kind::in_flight, Kind::inbound}) {
      for (const std::uint64_t number : {0ull, 1ull, 0x0100ull, 0x00FF00FF00FF00FFull, ~0ull}) {
        key(out, "net", kind, name, number);
        const auto back = name_of(out, "net", kind);
        REQUIRE(back);
        CHECK(back->client == name);
        CHECK(back->number == number);
      }
    }
  }
  key(out, "net", Kind::body, 7);
  CHECK(name_of(out, "net", Kind::body)->number == 7);
}

TEST_CASE("keys of one client stand in the order of their numbers") {
  std::string first, second;
  key(first, "net", Kind::queued, "c", 255);
  key(second, "net", Kind::queued, "c", 256);
  CHECK(first < second);
}

TEST_CASE("the prefix of a component does not cover those of others") {
  std::string out;
  key(out, "net2", Kind::session, "c");
  CHECK_FALSE(out.starts_with(prefix("net")));
  CHECK_FALSE(name_of(out, "net", Kind::session));
  key(out, "net", Kind::session, "c");
  CHECK_FALSE(name_of(out, "net", Kind::retained));
}

TEST_CASE("keys that are cut short are refused") {
  std::string out;
  key(out, "net", Kind::queued, "c", 1);
  CHECK_FALSE(name_of(out.substr(0, out.size() - 1), "net", Kind::queued));
  CHECK_FALSE(name_of(prefix("net", Kind::queued), "net", Kind::queued));
  key(out, "net", Kind::body, 1);
  CHECK_FALSE(name_of(out.substr(0, out.size() - 1), "net", Kind::body));
}

TEST_CASE("a session is read as it was written") {
  SessionRecord in{0xFFFFFFFE, 1'700'000'000'999, "user-\xC3\xA9", {}};
  in.subscriptions.push_back({"a/+/#", {2, true, true, 1, 268'435'455}});
  in.subscriptions.push_back({"$share/g/x y", {0, false, false, 2, 0}});
  const auto out = decode_session(encode(in));
  REQUIRE(out.has_value());
  CHECK(out->expiry_seconds == in.expiry_seconds);
  CHECK(out->disconnected_at == in.disconnected_at);
  CHECK(out->user == in.user);
  REQUIRE(out->subscriptions.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(out->subscriptions[i].filter == in.subscriptions[i].filter);
    CHECK(out->subscriptions[i].options.qos == in.subscriptions[i].options.qos);
    CHECK(out->subscriptions[i].options.no_local == in.subscriptions[i].options.no_local);
    CHECK(out->subscriptions[i].options.retain_as_published == in.subscriptions[i].options.retain_as_published);
    CHECK(out->subscriptions[i].options.retain_handling == in.subscriptions[i].options.retain_handling);
    CHECK(out->subscriptions[i].options.subscription_id == in.subscriptions[i].options.subscription_id);
  }
  // Between two subscriptions a session could end: the first without the second, and none.
  const std::string whole = encode(in);
  SessionRecord less = in;
  less.subscriptions.pop_back();
  const std::size_t one = encode(less).size();
  less.subscriptions.pop_back();
  const std::size_t none = encode(less).size();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_MESSAGE(decode_session(whole.substr(0, size)).has_value() == (size == one || size == none), size);
  }
  CHECK_FALSE(decode_session(whole + '\0').has_value());
}

TEST_CASE("a message is read as it was written") {
  const auto out = decode_message(encode(sample()));
  REQUIRE(out.has_value());
  check_same(*out, sample());
  check_refused(encode(sample()), [](std::string_view bytes) { return decode_message(bytes).has_value(); });
  Message bad = sample();
  bad.qos = 3;
  CHECK_FALSE(decode_message(encode(bad)).has_value());
}

TEST_CASE("a message of a session is read as it was written, with its body and without") {
  const Delivery delivery{nullptr, 1, true, 7, std::string("\x0B\x05", 2)};
  const Message body = sample();
  const auto decode = [](std::string_view bytes) { return decode_queued(bytes).has_value(); };

  const std::string alone = encode_queued(delivery, nullptr);
  const auto reference = decode_queued(alone);
  REQUIRE(reference.has_value());
  CHECK(reference->qos == 1);
  CHECK(reference->retain);
  CHECK(reference->subscription_ids == delivery.subscription_ids);
  CHECK_FALSE(reference->body);
  check_refused(alone, decode);

  const std::string whole = encode_queued(delivery, &body);
  const auto out = decode_queued(whole);
  REQUIRE(out.has_value());
  REQUIRE(out->body);
  check_same(*out->body, body);
  check_refused(whole, decode, alone.size());
}

TEST_CASE("an exchange is read as it was written") {
  for (const Phase phase : {Phase::await_puback, Phase::await_pubrec, Phase::await_pubcomp}) {
    const auto out = decode_in_flight(encode(InFlightRecord{0xFFFE, phase}));
    REQUIRE(out.has_value());
    CHECK(out->packet_id == 0xFFFE);
    CHECK(out->phase == phase);
  }
  check_refused(encode(InFlightRecord{1, Phase::await_puback}),
                [](std::string_view bytes) { return decode_in_flight(bytes).has_value(); });
  CHECK_FALSE(decode_in_flight(encode(InFlightRecord{0, Phase::await_puback})).has_value());
  CHECK_FALSE(decode_in_flight(encode(InFlightRecord{1, static_cast<Phase>(3)})).has_value());
}

}  // namespace
}  // namespace jl::broker::records

#include "daemon/codec/official/http.hpp"

#include "daemon/codec/official/auth.hpp"
#include "daemon/codec/official/bearer.hpp"
#include "daemon/codec/official/decode.hpp"

namespace jl::codec::official {
namespace {
constexpr std::string_view kNoMatch = "Device no register or token not match";

void say(Answer& answer, int status, std::string_view body) {
  answer.status = status;
  answer.body = body;
}

void unauthorized(Answer& answer, std::string_view message) {
  say(answer, 401, R"({"success":false,"code":"unauthorized","message":")");
  answer.body.append(message).append("\"}");
}

void bad_request(Answer& answer) { say(answer, 400, R"({"success":false,"code":"bad_request"})"); }

// The token, or nothing once `answer` says what is wrong with the header.
std::optional<std::string_view> token_of(const Uplink& wire, Answer& answer) {
  if (wire.authorization.empty()) {
    unauthorized(answer, "Authorization header is required");
    return {};
  }
  const auto token = bearer_token(wire.authorization);
  if (!token) unauthorized(answer, "Illegal token format");
  return token;
}
}  // namespace

Result<Decoded> decode_http(const Uplink& wire, const DeviceIdentity& device, Millis now, DeviceMessage& out,
                            Answer& answer) {
  out.clear();
  answer.clear();
  const auto token = token_of(wire, answer);
  if (!token) return Decoded::refused;
  if (!is_secret(*token, device.config("bearer_token"))) {
    unauthorized(answer, kNoMatch);
    return Decoded::refused;
  }
  const TopicMatch topic = match_up_topic(wire.topic, is_v1_compatible(device));
  bad_request(answer);  // until it turns out to be none
  // There is no time-sync over HTTP.
  if (topic.kind == TopicMatch::Kind::none || topic.kind == TopicMatch::Kind::time_sync) return Decoded::nothing;
  if (topic.device != device.device_id) {
    unauthorized(answer, kNoMatch);
    return Error(Errc::denied, "the path names another device");
  }
  if (topic.kind == TopicMatch::Kind::too_deep) {
    return Error(Errc::invalid, "the path nests child devices deeper than 8 levels");
  }
  JL_CHECK(decode_topic(topic, wire.payload, now, out));
  say(answer, 200, R"({"success":true})");
  return Decoded::message;
}

void refuse_http(const Uplink& wire, Stranger why, Answer& answer) {
  answer.clear();
  switch (why) {
    case Stranger::nameless:
      return bad_request(answer);
    case Stranger::unknown:
      if (token_of(wire, answer)) unauthorized(answer, kNoMatch);
      return;
    case Stranger::unavailable:
      return say(answer, 503, R"({"success":false,"code":"server_error"})");
  }
}

}  // namespace jl::codec::official

// SUBSCRIBE and UNSUBSCRIBE (MQTT 5 §3.8 to §3.11).
#include "daemon/wire/mqtt/reasons.hpp"
#include "daemon/wire/mqtt/server_impl.hpp"

#include <algorithm>

namespace jl::wire::mqtt {

void ServerMachine::Impl::handle_subscribe(std::string_view body, std::string& out) {
  FilterList list;
  if (const Fault fault = decode_filters(PacketType::subscribe, body, version, limits, list)) return fail(fault, out);
  std::string codes;  // collected first: events may append other packets to `out`
  for (Reader entries(list.filters); !entries.empty();) {
    SubscribeOptions options;
    const std::string_view filter = next_filter(PacketType::subscribe, entries, options);
    if (!is_v5()) options = {.qos = options.qos};
    options.subscription_id = list.subscription_id;
    const ReasonCode code = subscribe_one(filter, options);
    if (state != State::connected) return;
    const bool refused = code >= ReasonCode::unspecified_error;
    codes.push_back(static_cast<char>(refused && !is_v5() ? ReasonCode::unspecified_error : code));
  }
  answer_filters(PacketType::suback, list.packet_id, codes, out);
  if (state == State::connected) events.on_subscribed();
}

ReasonCode ServerMachine::Impl::subscribe_one(std::string_view filter, const SubscribeOptions& options) {
  if (is_shared(filter) && !split_shared(filter)) return ReasonCode::topic_filter_invalid;
  if (filter.size() > limits.max_topic_bytes) return ReasonCode::topic_filter_invalid;
  const bool is_new = !session || session->find_subscription(filter) == nullptr;
  if (is_new && session && session->subscriptions.size() >= limits.max_subscriptions) return ReasonCode::quota_exceeded;
  const ReasonCode answer = fit_server_reason(PacketType::suback, events.on_subscribe(filter, options));
  if (answer >= ReasonCode::unspecified_error || state != State::connected) return answer;
  SubscribeOptions granted = options;
  granted.qos = std::min(options.qos, static_cast<std::uint8_t>(answer));
  if (Subscription* known = own_session().find_subscription(filter)) {
    known->options = granted;  // [MQTT-3.8.4-3]: the new subscription replaces the old one
  } else {
    session->subscriptions.push_back({std::string(filter), granted});
  }
  return static_cast<ReasonCode>(granted.qos);
}

void ServerMachine::Impl::handle_unsubscribe(std::string_view body, std::string& out) {
  FilterList list;
  if (const Fault fault = decode_filters(PacketType::unsubscribe, body, version, limits, list)) return fail(fault, out);
  std::string codes;
  for (Reader entries(list.filters); !entries.empty();) {
    SubscribeOptions unused;
    const std::string_view filter = next_filter(PacketType::unsubscribe, entries, unused);
    const bool existed = session && session->remove_subscription(filter);
    if (existed) events.on_unsubscribe(filter);
    if (state != State::connected) return;
    if (is_v5()) {
      codes.push_back(static_cast<char>(existed ? ReasonCode::success : ReasonCode::no_subscription_existed));
    }
  }
  answer_filters(PacketType::unsuback, list.packet_id, codes, out);
}

void ServerMachine::Impl::answer_filters(PacketType type, std::uint16_t packet_id, std::string_view codes,
                                         std::string& out) {
  const std::size_t start = out.size();
  append_suback(out, type, packet_id, codes, is_v5());
  if (fits_client(out.size() - start)) return;
  out.resize(start);
  fail({ReasonCode::packet_too_large, "the answer is larger than the client's maximum packet size"}, out);
}

}  // namespace jl::wire::mqtt

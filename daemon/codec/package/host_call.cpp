#include "daemon/codec/package/host_call.hpp"

#include "daemon/base/clock.hpp"
#include "daemon/base/log.hpp"
#include "daemon/codec/package/messages.hpp"

#include <array>

namespace jl::codec::package {
namespace {

constexpr std::size_t kMostSends = 100;

thread_local std::vector<std::string>* captured = nullptr;

Error too_many(const char* what, std::size_t most) {
  return {Errc::too_large, fmt::format("one call may {} {} times at most", what, most)};
}

bool has_topics(Transport transport) { return transport == Transport::mqtt; }

}  // namespace

LogCapture::LogCapture(std::vector<std::string>& lines) { captured = &lines; }
LogCapture::~LogCapture() { captured = nullptr; }
bool LogCapture::is_on() { return captured != nullptr; }

Status HostCall::send(const script::Wire& wire) {
  if (sends.size() >= kMostSends) return too_many("send", kMostSends);
  if (transport_ == Transport::http)
    return Error(Errc::unsupported, "HTTP devices are answered with ctx.respond(); nothing can be sent to them");
  if (has_topics(transport_) && wire.topic.empty())
    return Error(Errc::invalid, "what is sent over MQTT needs a topic: {topic, payload}");
  if (wire.topic.find_first_of(std::string_view("+#\0", 3)) != std::string_view::npos || wire.topic.size() > 1024)
    return Error(Errc::invalid, "a topic to send to has no wildcards and at most 1024 bytes");
  Downlink out;
  out.topic = wire.topic;
  out.payload = wire.payload;
  if (wire.qos >= 0) out.qos = std::min(wire.qos, 2);
  out.text = wire.text;
  sends.push_back(std::move(out));
  return {};
}

Status HostCall::respond(const script::Wire& wire) {
  if (transport_ != Transport::http && transport_ != Transport::coap)
    return Error(Errc::unsupported, "only HTTP and CoAP requests are responded to; use ctx.send()");
  const bool known = wire.status == 0 || (wire.status >= 200 && wire.status <= 599);
  if (!known) return Error(Errc::invalid, fmt::format("{} is no status of a response", wire.status));
  responds = true;
  status = wire.status;
  body = wire.payload;
  // It goes into a header as it is.
  const bool is_plain = std::ranges::all_of(wire.content_type, [](char c) { return c >= ' ' && c < 0x7f; });
  if (!is_plain || wire.content_type.size() > 255)
    return Error(Errc::invalid, "a contentType is at most 255 printable characters");
  content_type = wire.content_type;
  content_format = wire.content_format >= 0 ? wire.content_format : wire.text ? 50 : 42;
  return {};
}

Status HostCall::emit(std::string_view json) { return add_messages(json, messages); }

const DeviceIdentity* HostCall::find(std::string_view id) {
  if (id.empty() || (device_ && device_->device_id == id)) return device_;
  if (found_ && found_->device_id == id) return &*found_;
  found_ = devices_ && id.size() <= 256 ? devices_->find(id) : std::nullopt;
  return found_ ? &*found_ : nullptr;
}

std::optional<script::Host::Device> HostCall::device(std::string_view id) {
  const DeviceIdentity* known = find(id);
  if (!known) return std::nullopt;
  return Device{known->device_id, known->product_id};
}

std::optional<std::string> HostCall::config(std::string_view id, std::string_view key) {
  const DeviceIdentity* known = find(id);
  if (!known) return std::nullopt;
  const std::string_view value = known->config(key);
  if (!value.empty()) return std::string(value);
  // What protocol.json says for those who say nothing.
  const auto keys = row_ ? std::span<const ConfigKey>(row_->config_keys) : std::span<const ConfigKey>();
  const auto asked = std::ranges::find(keys, key, &ConfigKey::key);
  if (asked == keys.end() || asked->default_value.empty()) return std::nullopt;
  return asked->default_value;
}

void HostCall::log(int level, std::string_view text) {
  static constexpr std::array kLevels{log::Level::debug, log::Level::info, log::Level::warn, log::Level::error};
  static constexpr std::array kWords{"debug", "info", "warn", "error"};
  const auto at = static_cast<std::size_t>(std::clamp(level, 0, 3));
  constexpr std::size_t kMostLines = 200;
  if (captured) {
    if (captured->size() < kMostLines) captured->push_back(fmt::format("{}: {}", kWords[at], text));
    return;
  }
  if (!log::enabled(kLevels[at])) return;
  static log::RateLimit limit(1000);
  std::uint64_t held = 0;
  if (limit.allow(system_clock().steady(), held))
    log::write(kLevels[at], "codec.package", fmt::format("protocol={} says: {} more={}", protocol_, text, held));
}

void take_answer(HostCall& call, Answer& answer) {
  answer.clear();
  for (auto& sent : call.sends) {
    if (!answer.has_reply) {
      answer.has_reply = true;
      answer.reply = std::move(sent);
    } else {
      answer.more.push_back(std::move(sent));
    }
  }
  call.sends.clear();
  answer.close = call.closes;
  if (call.responds) {
    answer.status = call.status;
    answer.body = std::move(call.body);
    answer.content_format = call.content_format;
    answer.content_type = std::move(call.content_type);
  }
}

}  // namespace jl::codec::package

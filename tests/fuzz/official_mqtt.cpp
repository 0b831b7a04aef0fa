// Decodes arbitrary payloads on arbitrary topics of the official protocol. The first byte chooses the topic from the
// list, or says that the topic is what stands before the first line feed; the rest is the payload. What was decoded
// must be JSON for a strict reader, and decoding it again must change nothing.
#include "decoded_message.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace {
using namespace jl;
using namespace jl::codec;

constexpr std::uint8_t kV1Compat = 0x80;

constexpr std::array<std::string_view, 26> kTopics{"/p1/d1/properties/report",
                                                   "/p1/d1/properties/read/reply",
                                                   "/p1/d1/properties/write/reply",
                                                   "/p1/d1/event/e",
                                                   "/p1/d1/function/invoke/reply",
                                                   "/p1/d1/tags",
                                                   "/p1/d1/register",
                                                   "/p1/d1/unregister",
                                                   "/p1/d1/firmware/upgrade/reply",
                                                   "/p1/d1/firmware/upgrade/progress",
                                                   "/p1/d1/firmware/pull",
                                                   "/p1/d1/firmware/report",
                                                   "/p1/d1/firmware/read/reply",
                                                   "/p1/d1/metadata/derived",
                                                   "/p1/d1/direct",
                                                   "/p1/d1/disconnect/reply",
                                                   "/p1/d1/online",
                                                   "/p1/d1/offline",
                                                   "/p1/d1/log",
                                                   "/p1/d1/state-check/reply",
                                                   "/p1/d1/collector/report",
                                                   "/p1/d1/collector/read/reply",
                                                   "/p1/d1/collector/write/reply",
                                                   "/p1/d1/time-sync",
                                                   "/p1/d1/child/c1/properties/report",
                                                   "/p1/d1/child-reply/c1/child/c2/properties/read/reply"};

// The message of the innermost device.
const DeviceMessage& leaf_of(const DeviceMessage& outer) {
  const DeviceMessage* message = &outer;
  while (message->has_child) message = message->child.get();
  return *message;
}

void run(std::string_view topic, std::string_view payload, const DeviceIdentity& device) {
  static DeviceMessage first, second;  // reused, as in the daemon
  static Answer answer;
  const auto decoded = official_protocol().decode({topic, payload}, {device}, fuzz::kNow, first, answer);
  if (!decoded) {
    JL_ASSERT(decoded.error().code == Errc::invalid || decoded.error().code == Errc::denied);
    JL_ASSERT(first.json.empty() && !first.has_child);
    return;
  }
  if (*decoded == Decoded::reply) JL_ASSERT(boost::json::parse(answer.reply.payload).is_object());
  if (*decoded != Decoded::message) return;
  fuzz::check_message(first);
  const DeviceMessage& leaf = leaf_of(first);
  if (leaf.type == MessageType::direct) return;
  const auto again = official_protocol().decode({topic, leaf.json}, {device}, fuzz::kNow + 1, second, answer);
  JL_ASSERT(again.has_value() && *again == Decoded::message);
  JL_ASSERT(second.json == first.json);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  DeviceIdentity device;
  device.device_id = "d1";
  device.product_id = "p1";
  if ((data[0] & kV1Compat) != 0) device.configuration.emplace("v1Compat", Secret("true"));
  if (const std::size_t index = data[0] & 0x7Fu; index < kTopics.size()) {
    run(kTopics[index], input, device);
  } else {
    const std::size_t end = std::min(input.find('\n'), input.size());
    run(input.substr(0, end), input.substr(std::min(end + 1, input.size())), device);
  }
  return 0;
}

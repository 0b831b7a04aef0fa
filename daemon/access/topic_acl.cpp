#include "daemon/access/topic_acl.hpp"

#include <algorithm>

namespace jl::access {
namespace {

constexpr std::string_view kDevice = "{deviceId}", kProduct = "{productId}", kShare = "$share/";

std::string_view value_of(bool is_device, const codec::DeviceIdentity& device) {
  return is_device ? std::string_view(device.device_id) : std::string_view(device.product_id);
}

}  // namespace

TopicAcl::TopicAcl(const std::vector<model::TopicGrant>& grants) {
  rules_.reserve(grants.size());
  for (const auto& grant : grants) {
    Rule& rule = rules_.emplace_back();
    rule.publish = grant.action != model::TopicAction::subscribe;
    rule.subscribe = grant.action != model::TopicAction::publish;
    for (std::size_t at = 0; at <= grant.topic.size();) {
      const std::size_t end = std::min(grant.topic.find('/', at), grant.topic.size());
      rule.levels.push_back(compile(std::string_view(grant.topic).substr(at, end - at)));
      at = end + 1;
    }
  }
}

TopicAcl::Level TopicAcl::compile(std::string_view level) {
  if (level == "+") return {Level::Kind::one};
  if (level == "#") return {Level::Kind::rest};
  Level out;
  while (!level.empty()) {
    if (level.starts_with(kDevice)) {
      out.pieces.push_back({Piece::Kind::device_id});
      level.remove_prefix(kDevice.size());
    } else if (level.starts_with(kProduct)) {
      out.pieces.push_back({Piece::Kind::product_id});
      level.remove_prefix(kProduct.size());
    } else {
      const std::size_t end = std::min(level.find('{', 1), level.size());
      out.pieces.push_back({Piece::Kind::text, std::string(level.substr(0, end))});
      level.remove_prefix(end);
    }
  }
  return out;
}

bool TopicAcl::equals(const Level& level, std::string_view text, const codec::DeviceIdentity& device) {
  for (const Piece& piece : level.pieces) {
    const std::string_view wanted = piece.kind == Piece::Kind::text
                                        ? std::string_view(piece.text)
                                        : value_of(piece.kind == Piece::Kind::device_id, device);
    // What a device is called is never a wildcard, and an empty id stands for nothing.
    if (wanted.empty() || !text.starts_with(wanted)) return false;
    text.remove_prefix(wanted.size());
  }
  return text.empty();
}

bool TopicAcl::grants(const Rule& rule, std::string_view filter, const codec::DeviceIdentity& device) {
  if (filter.empty()) return false;
  // A wildcard at the start does not match topics of the server's own [MQTT-4.7.2-1].
  if (filter.starts_with('$') && rule.levels.front().kind != Level::Kind::pieces) return false;
  std::size_t at = 0;  // beyond the end by one when no level is left
  for (const Level& level : rule.levels) {
    if (level.kind == Level::Kind::rest) return true;  // and the level above it [4.7.1.2]
    if (at > filter.size()) return false;
    const std::size_t end = std::min(filter.find('/', at), filter.size());
    const std::string_view text = filter.substr(at, end - at);
    at = end + 1;
    if (text == "#") return false;
    if (level.kind == Level::Kind::one) continue;
    if (text == "+" || !equals(level, text, device)) return false;
  }
  return at > filter.size();
}

bool TopicAcl::may_publish(std::string_view topic, const codec::DeviceIdentity& device) const {
  if (topic.find_first_of("+#") != std::string_view::npos) return false;
  return std::ranges::any_of(rules_, [&](const Rule& rule) { return rule.publish && grants(rule, topic, device); });
}

bool TopicAcl::may_subscribe(std::string_view filter, const codec::DeviceIdentity& device) const {
  if (filter.starts_with(kShare)) {
    const std::size_t slash = filter.find('/', kShare.size());
    if (slash == std::string_view::npos) return false;
    filter.remove_prefix(slash + 1);
  }
  return std::ranges::any_of(rules_, [&](const Rule& rule) { return rule.subscribe && grants(rule, filter, device); });
}

}  // namespace jl::access

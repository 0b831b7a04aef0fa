#pragma once
// The topics that a gateway grants devices beside those of their protocol (Gateway.topicAcl). Compiled once per change
// of the gateway, immutable, any thread.
#include "common/model/gateway.hpp"
#include "daemon/codec/protocol.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jl::access {

class TopicAcl {
 public:
  TopicAcl() = default;
  /// The grants must have passed model::check_topic_grant.
  explicit TopicAcl(const std::vector<model::TopicGrant>& grants);

  /// Whether a grant covers the topic name. At most 256 comparisons, no allocation.
  [[nodiscard]] bool may_publish(std::string_view topic, const codec::DeviceIdentity& device) const;
  /// Whether one grant covers everything that the filter can match; of a shared subscription its filter counts.
  [[nodiscard]] bool may_subscribe(std::string_view filter, const codec::DeviceIdentity& device) const;
  [[nodiscard]] bool empty() const { return rules_.empty(); }

 private:
  /// A part of a level: text, or what stands for the device.
  struct Piece {
    enum class Kind : std::uint8_t { text, device_id, product_id } kind = Kind::text;
    std::string text{};
  };
  struct Level {
    enum class Kind : std::uint8_t { pieces, one, rest } kind = Kind::pieces;  ///< one is +, rest is #
    std::vector<Piece> pieces{};
  };
  struct Rule {
    std::vector<Level> levels;
    bool publish = false, subscribe = false;
  };
  static Level compile(std::string_view level);
  static bool equals(const Level& level, std::string_view text, const codec::DeviceIdentity& device);
  static bool grants(const Rule& rule, std::string_view filter, const codec::DeviceIdentity& device);
  std::vector<Rule> rules_;
};

}  // namespace jl::access

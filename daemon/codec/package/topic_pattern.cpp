#include "daemon/codec/package/topic_pattern.hpp"

namespace jl::codec::package {
namespace {

// Walks the levels of a topic: "a/b" has two, "/a" has an empty one first.
class Levels {
 public:
  explicit Levels(std::string_view text) : rest_(text) {}
  bool next(std::string_view& level) {
    if (!more_) return false;
    const std::size_t slash = rest_.find('/');
    level = rest_.substr(0, slash);
    more_ = slash != std::string_view::npos;
    rest_.remove_prefix(more_ ? slash + 1 : rest_.size());
    return true;
  }
  [[nodiscard]] bool at_end() const { return !more_; }

 private:
  std::string_view rest_;
  bool more_ = true;
};

// "{deviceId:label}" -> "deviceId"; "" for a level that is no placeholder.
std::string_view placeholder(std::string_view level) {
  if (level.size() < 3 || level.front() != '{' || level.back() != '}') return {};
  return level.substr(1, level.find_first_of(":}") - 1);
}

bool takes_rest(std::string_view level) { return level == "#" || level.starts_with("{#"); }

}  // namespace

std::string owner_by_routes(std::span<const Route> routes, std::string_view topic) {
  for (const Route& route : routes) {
    Levels pattern(route.topic), given(topic);
    std::string_view owner, want, have;
    bool matches = true;
    while (matches && pattern.next(want)) {
      if (takes_rest(want)) {
        while (given.next(have)) {
        }
        break;
      }
      matches = given.next(have);
      const std::string_view name = placeholder(want);
      if (name == "deviceId") owner = have;
      if (matches && name.empty() && want != "+") matches = want == have;
    }
    if (matches && given.at_end() && !owner.empty()) return std::string(owner);
  }
  return {};
}

bool pattern_covers(std::string_view pattern, std::string_view topic_or_filter, std::string_view product_id,
                    std::string_view device_id) {
  // A wildcard at the start does not match topics of the server's own [MQTT-4.7.2-1].
  if (topic_or_filter.starts_with('$')) return false;
  Levels wide(pattern), narrow(topic_or_filter);
  std::string_view want, have;
  while (wide.next(want)) {
    if (takes_rest(want)) return true;
    if (!narrow.next(have) || have == "#") return false;
    const std::string_view name = placeholder(want);
    if (name == "deviceId" || name == "productId") {
      if (have != (name == "deviceId" ? device_id : product_id)) return false;
    } else if (name.empty() && want != "+" && want != have) {
      return false;
    }
  }
  return narrow.at_end();
}

}  // namespace jl::codec::package

#pragma once
// Questions before dangerous work. The default is no; without a terminal the work is refused, never assumed.
#include "cli/context.hpp"

#include <string>

namespace jl::cli {

/// What the daemon says that disabling or deleting objects would cut.
struct Impact {
  std::int64_t sessions = 0;
  std::vector<std::string> used_by{};
  std::int64_t used_by_total = 0;
  std::vector<std::string> also_deleted{};  ///< what goes along
  std::vector<std::string> unbound{};       ///< list entries that go along: "device/d: property t, point p1"
  bool found = false;                       ///< whether any of the objects exists

  /// "would disconnect 12 device sessions; used by gateway/gw-1", or "".
  [[nodiscard]] std::string text() const;
};

/// Adds the impact of one object; an object that does not exist adds nothing.
[[nodiscard]] Status add_impact(Context& context, const model::Kind& kind, const std::string& id, Impact& impact);

/// Whether deleting an object of this kind takes others along, or entries of theirs.
[[nodiscard]] bool has_followers(const model::Kind& kind);
/// Adds what deleting one object would take along, as the daemon plans it; an object that does not exist adds nothing.
/// Errors: those of the deletion itself.
[[nodiscard]] Status add_deletion(Context& context, const model::Kind& kind, const std::string& id, Impact& impact);

/// Goes on when --yes was given or the person says yes. `action` is what would be done: "delete network/mqtt-1".
/// Errors: unconfirmed.
[[nodiscard]] Status confirm(Context& context, const std::string& action, const std::string& consequence);

}  // namespace jl::cli

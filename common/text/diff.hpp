#pragma once
// What changed between two JSON objects, as the control API tells it.
#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jl::text {

/// One field that is new, gone or different. The path is dotted: "spec.cluster[0].serverId".
struct FieldChange {
  std::string field;
  std::optional<boost::json::value> before{};  ///< empty: the field is new
  std::optional<boost::json::value> after{};   ///< empty: the field is gone
  bool operator==(const FieldChange&) const = default;
};

/// Every change, in the order of `before`, then what is new in `after`. Objects are compared member by member, lists of
/// objects item by item (by index), other lists as a whole. The order of members does not matter.
[[nodiscard]] std::vector<FieldChange> diff(const boost::json::object& before, const boost::json::object& after);

/// [{"field","before"?,"after"?}], as in the replies of apply and diff.
[[nodiscard]] boost::json::array to_json(const std::vector<FieldChange>& changes);

/// "- field: old" and "+ field: new", one per line and side, values as compact JSON.
[[nodiscard]] std::vector<std::string> diff_lines(const std::vector<FieldChange>& changes);

}  // namespace jl::text

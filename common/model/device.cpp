#include "common/model/device.hpp"

#include <set>

namespace jl::model {

void settle_device(json::object& spec, const std::string& path, std::vector<Problem>& problems) {
  json::value* bindings = spec.if_contains("bindings");
  if (!bindings || !bindings->is_array()) return;
  std::set<std::string_view> seen;
  std::size_t index = 0;
  for (const json::value& entry : bindings->get_array()) {
    const json::value* property = entry.as_object().if_contains("property");
    if (property && !seen.insert(property->as_string()).second) {
      problems.push_back({(path.empty() ? "" : path + ".") + "bindings[" + std::to_string(index) + "].property",
                          "\"" + std::string(property->as_string()) + "\" is bound already",
                          Errc::invalid,
                          {},
                          {}});
    }
    ++index;
  }
  if (bindings->get_array().empty()) spec.erase("bindings");
}

}  // namespace jl::model

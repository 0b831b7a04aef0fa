#pragma once
// What goes along when resources are deleted: those that they own (the points of a channel), and the list entries that
// name them (a device's bindings). The field table says which references do that (model::Bond). Bindings of properties
// that leave a thing model go as well.
#include "daemon/services/view.hpp"

#include <boost/json.hpp>
#include <set>
#include <string>

namespace jl::services {

struct Aftermath {
  std::set<std::string> deleted;  ///< labels of owned resources
  /// {"resource": "device/boiler-1", "property": ..., "point": ...}: what was taken out of lists.
  boost::json::array unbound;

  /// Adds `alsoDeleted` and `unbound` to an answer, where there is anything.
  void add_to(boost::json::object& body) const;
};

/// Completes the changes of a view. Errors: storage.
[[nodiscard]] Result<Aftermath> follow_bonds(View& view, Millis now);

}  // namespace jl::services

#pragma once
// The names of one JSON object: finds duplicates and answers lookups in a time that a hostile sender cannot make
// quadratic. Reused, so that no memory is allocated once it is warm.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace jl::codec::official {

class UniqueNames {
 public:
  void clear() {
    names_.clear();
    order_.clear();
  }
  /// Adds a name that outlives the use of this list.
  void add(std::string_view name) { names_.push_back(name); }
  [[nodiscard]] std::size_t size() const { return names_.size(); }

  /// Call once after the last add(); false when a name came twice.
  [[nodiscard]] bool seal() {
    if (names_.size() <= kLinear) {
      for (std::size_t i = 1; i < names_.size(); ++i) {
        if (std::find(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(i), names_[i]) !=
            names_.begin() + static_cast<std::ptrdiff_t>(i)) {
          return false;
        }
      }
      return true;
    }
    order_.resize(names_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    std::sort(order_.begin(), order_.end(), [&](auto a, auto b) { return names_[a] < names_[b]; });
    return std::adjacent_find(order_.begin(), order_.end(), [&](auto a, auto b) { return names_[a] == names_[b]; }) ==
           order_.end();
  }

  /// The position at which a name was added.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    if (names_.size() <= kLinear) {
      const auto it = std::find(names_.begin(), names_.end(), name);
      if (it == names_.end()) return {};
      return static_cast<std::size_t>(it - names_.begin());
    }
    const auto it = std::lower_bound(order_.begin(), order_.end(), name,
                                     [&](auto index, std::string_view wanted) { return names_[index] < wanted; });
    if (it == order_.end() || names_[*it] != name) return {};
    return *it;
  }

 private:
  static constexpr std::size_t kLinear = 16;  // below this, looking at all of them beats sorting
  std::vector<std::string_view> names_;
  std::vector<std::uint32_t> order_;
};

}  // namespace jl::codec::official

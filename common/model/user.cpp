#include "common/model/user.hpp"

namespace jl::model {
namespace {

constexpr std::size_t kMaxFilter = 1024;

const char* fault_of(std::string_view filter) {
  if (filter.empty()) return "is empty";
  if (filter.size() > kMaxFilter) return "is longer than 1024 bytes";
  if (filter.starts_with("$share/")) return "names a shared subscription; name its filter alone";
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const char c = filter[i];
    if (c == '\0') return "holds a NUL character";
    if (c != '+' && c != '#') continue;
    const bool alone = (i == 0 || filter[i - 1] == '/') && (i + 1 == filter.size() || filter[i + 1] == '/');
    if (!alone) return "has a wildcard that is not a level of its own";
    if (c == '#' && i + 1 != filter.size()) return "has \"#\" before its last level";
  }
  return nullptr;
}

}  // namespace

void check_filters(json::value& value, const std::string& path, std::vector<Problem>& problems) {
  if (!value.is_array()) return;
  std::size_t index = 0;
  for (const auto& item : value.as_array()) {
    const std::string at = path + "[" + std::to_string(index++) + "]";
    if (!item.is_string()) continue;
    const std::string_view filter = item.as_string();
    if (const char* fault = fault_of(filter)) {
      problems.push_back({at, "\"" + std::string(filter.substr(0, 80)) + "\" " + fault, Errc::invalid, {}, {}});
    }
  }
}

}  // namespace jl::model

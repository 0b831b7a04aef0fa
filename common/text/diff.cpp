#include "common/text/diff.hpp"

#include <algorithm>
#include <string_view>

namespace jl::text {
namespace {

namespace json = boost::json;

bool is_list_of_objects(const json::value& value) {
  const auto* array = value.if_array();
  return array && !array->empty() &&
         std::ranges::all_of(*array, [](const json::value& item) { return item.is_object(); });
}

class Comparer {
 public:
  void objects(const json::object& before, const json::object& after, const std::string& path) {
    for (const auto& member : before) {
      const std::string at = path.empty() ? std::string(member.key()) : path + "." + std::string(member.key());
      if (const auto* now = after.if_contains(member.key())) {
        values(member.value(), *now, at);
      } else {
        out_.push_back({at, member.value(), {}});
      }
    }
    for (const auto& member : after) {
      if (before.contains(member.key())) continue;
      const std::string at = path.empty() ? std::string(member.key()) : path + "." + std::string(member.key());
      out_.push_back({at, {}, member.value()});
    }
  }

  std::vector<FieldChange> take() { return std::move(out_); }

 private:
  void values(const json::value& before, const json::value& after, const std::string& path) {
    if (before == after) return;
    if (before.is_object() && after.is_object()) return objects(before.get_object(), after.get_object(), path);
    if (is_list_of_objects(before) && is_list_of_objects(after))
      return lists(before.get_array(), after.get_array(), path);
    out_.push_back({path, before, after});
  }

  void lists(const json::array& before, const json::array& after, const std::string& path) {
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      const std::string at = path + "[" + std::to_string(i) + "]";
      if (i >= after.size()) {
        out_.push_back({at, before[i], {}});
      } else if (i >= before.size()) {
        out_.push_back({at, {}, after[i]});
      } else {
        values(before[i], after[i], at);
      }
    }
  }

  std::vector<FieldChange> out_;
};

}  // namespace

std::vector<FieldChange> diff(const json::object& before, const json::object& after) {
  Comparer comparer;
  comparer.objects(before, after, {});
  return comparer.take();
}

json::array to_json(const std::vector<FieldChange>& changes) {
  json::array out;
  for (const FieldChange& change : changes) {
    json::object item{{"field", change.field}};
    if (change.before) item["before"] = *change.before;
    if (change.after) item["after"] = *change.after;
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<std::string> diff_lines(const std::vector<FieldChange>& changes) {
  std::vector<std::string> out;
  for (const FieldChange& change : changes) {
    if (change.before) out.push_back("- " + change.field + ": " + json::serialize(*change.before));
    if (change.after) out.push_back("+ " + change.field + ": " + json::serialize(*change.after));
  }
  return out;
}

}  // namespace jl::text

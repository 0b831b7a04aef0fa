#include "cli/output/paths.hpp"

#include <charconv>

namespace jl::cli {

const json::value* find_path(const json::value& root, std::string_view path) {
  if (path.empty()) return &root;
  if (const auto* array = root.if_array()) {
    if (path.front() != '[') return nullptr;
    const std::size_t close = path.find(']');
    std::size_t index = 0;
    if (close == path.npos) return nullptr;
    const auto [end, ec] = std::from_chars(path.data() + 1, path.data() + close, index);
    if (ec != std::errc{} || end != path.data() + close || index >= array->size()) return nullptr;
    path.remove_prefix(close + 1);
    if (path.starts_with('.')) path.remove_prefix(1);
    return find_path((*array)[index], path);
  }
  const auto* object = root.if_object();
  return object ? find_path(*object, path) : nullptr;
}

const json::value* find_path(const json::object& root, std::string_view path) {
  // The longest key first, so that {"a.b": 1} wins over {"a": {"b": 2}}.
  for (std::size_t end = path.size();;) {
    if (const auto* value = root.if_contains(path.substr(0, end))) {
      std::string_view rest = path.substr(end);
      if (rest.starts_with('.')) rest.remove_prefix(1);
      if (const json::value* found = find_path(*value, rest)) return found;
    }
    if (end == 0) return nullptr;
    end = path.find_last_of(".[", end - 1);
    if (end == path.npos) return nullptr;
  }
}

json::value* find_path(json::object& root, std::string_view path) {
  return const_cast<json::value*>(find_path(std::as_const(root), path));
}

void set_path(json::object& root, std::string_view path, json::value value) {
  json::object* at = &root;
  for (std::size_t dot = path.find('.'); dot != path.npos; dot = path.find('.')) {
    json::value& next = (*at)[path.substr(0, dot)];
    if (!next.is_object()) next = json::object();
    at = &next.get_object();
    path.remove_prefix(dot + 1);
  }
  (*at)[path] = std::move(value);
}

json::value pick(const json::value& root, const std::vector<std::string>& paths) {
  json::object out;
  for (const std::string& path : paths) {
    const json::value* value = find_path(root, path);
    if (!value) continue;
    if (path.find('[') != path.npos) {
      out[path] = *value;
    } else {
      set_path(out, path, *value);
    }
  }
  return out;
}

}  // namespace jl::cli

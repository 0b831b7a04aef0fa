#include "cli/output/block.hpp"

#include "cli/output/colour.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/printer.hpp"
#include "cli/output/width.hpp"

#include <algorithm>
#include <array>

namespace jl::cli {
namespace {

using Line = std::pair<std::string, std::string>;

struct Section {
  std::string title;
  Row header;
  std::vector<Row> rows;
};

bool is_object_list(const json::value& value) {
  const auto* array = value.if_array();
  return array && !array->empty() && std::ranges::all_of(*array, [](const json::value& v) { return v.is_object(); });
}

// {"temp": {"value": 21.5, "time": ...}, ...}
bool is_property_map(const json::value& value) {
  const auto* object = value.if_object();
  return object && !object->empty() && std::ranges::all_of(*object, [](const auto& item) {
           return item.value().is_object() && item.value().get_object().contains("value") &&
                  item.value().get_object().contains("time");
         });
}

class Flattener {
 public:
  std::vector<Line> lines;
  std::vector<Section> sections;

  void object(const std::string& prefix, const json::object& from) {
    for (const auto& [key, value] : from) one(prefix, std::string(key), value);
  }

  void one(const std::string& prefix, const std::string& key, const json::value& value) {
    const std::string path = prefix + printable(key);
    if (is_property_map(value)) {
      Section section{path, {"ID", "VALUE", "TIME"}, {}};
      for (const auto& [id, item] : value.get_object()) {
        const auto& o = item.get_object();
        section.rows.push_back({printable(id), cell_text(o.at("value")), cell_text(o.at("time"))});
      }
      sections.push_back(std::move(section));
    } else if (is_object_list(value)) {
      sections.push_back(list(path, value.get_array()));
    } else if (value.is_object() && !value.get_object().empty() && !is_deep(value)) {
      object(path + ".", value.get_object());
    } else if (!value.is_array() || !value.get_array().empty()) {
      lines.emplace_back(path, line_text(value));
    }
  }

 private:
  // The content of a file says nothing to people as one line of escapes.
  static std::string line_text(const json::value& value) {
    const auto* text = value.if_string();
    const bool is_file =
        text && text->size() > 400 && (text->starts_with("-----BEGIN") || text->find(' ') == json::string::npos);
    return is_file ? "(" + std::to_string(text->size()) + " bytes)" : cell_text(value);
  }

  // A thing model and the like: better as one line of JSON than as a hundred of paths.
  static bool is_deep(const json::value& value) {
    return std::ranges::any_of(value.get_object(), [](const auto& item) { return is_object_list(item.value()); });
  }

  static Section list(const std::string& path, const json::array& items) {
    Section section{path, {}, {}};
    std::vector<std::string> keys;
    for (const auto& item : items) {
      for (const auto& [key, value] : item.get_object()) {
        if (std::ranges::find(keys, key) == keys.end()) keys.emplace_back(key);
      }
    }
    for (const auto& key : keys) {
      std::string header = printable(key);
      std::ranges::transform(header, header.begin(),
                             [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
      section.header.push_back(std::move(header));
    }
    for (const auto& item : items) {
      Row row;
      for (const auto& key : keys) {
        const auto* value = item.get_object().if_contains(key);
        row.push_back(value ? cell_text(*value) : std::string());
      }
      section.rows.push_back(std::move(row));
    }
    return section;
  }
};

}  // namespace

void write_object(Sink& sink, const TableStyle& style, const json::value& data) {
  const auto* object = data.if_object();
  if (!object) {
    sink.write(cell_text(data) + "\n");
    return;
  }
  Flattener flat;
  // Status first: it is what one looks at an object for.
  static constexpr std::array<std::string_view, 4> kFirst{"id", "name", "description", "enabled"};
  const auto* status = object->if_contains("status");
  if (status && status->is_object()) {
    for (const std::string_view key : kFirst) {
      if (const auto* value = object->if_contains(key)) flat.one("", std::string(key), *value);
    }
    for (const auto& [key, value] : status->get_object()) {
      flat.one(key == "state" || key == "properties" || key == "routes" || key == "config" ? "" : "status.",
               std::string(key), value);
    }
  }
  for (const auto& [key, value] : *object) {
    const bool done = status && status->is_object() &&
                      (key == "status" || std::ranges::find(kFirst, std::string_view(key)) != kFirst.end());
    if (!done) flat.one("", std::string(key), value);
  }
  write_block(sink, style, flat.lines);
  for (const Section& section : flat.sections) {
    sink.write("\n");
    sink.write(styled(section.title + ":", Style::bold, style.colour && style.aligned) + "\n");
    write_table(sink, style, section.header, section.rows);
  }
}

}  // namespace jl::cli

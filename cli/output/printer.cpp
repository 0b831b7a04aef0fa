#include "cli/output/printer.hpp"

#include "cli/output/block.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "cli/output/width.hpp"
#include "common/base/words.hpp"
#include "common/control/api.hpp"
#include "common/text/yaml_writer.hpp"

#include <algorithm>

namespace jl::cli {
namespace {

const json::array& items_of(const json::value& data) {
  static const json::array none;
  if (const auto* array = data.if_array()) return *array;
  const auto* object = data.if_object();
  const auto* items = object ? object->if_contains("items") : nullptr;
  return items && items->is_array() ? items->get_array() : none;
}

bool is_listed(const std::vector<std::string>& fields, std::string_view path) {
  return std::ranges::any_of(fields, [&](const std::string& field) {
    return field == path || (field.ends_with('.') && path.starts_with(field));
  });
}

}  // namespace

json::object envelope(std::string_view kind, json::value data) {
  return {{"schema", control::kOutputSchema}, {"kind", kind}, {"data", std::move(data)}};
}

std::string cell_text(const json::value& value) {
  if (const auto* array = value.if_array()) {
    const bool scalars = std::ranges::none_of(*array, [](const json::value& v) { return v.is_structured(); });
    if (scalars) {
      std::string out;
      for (const auto& item : *array) out += (out.empty() ? "" : ",") + plain_text(item);
      return printable(out);
    }
  }
  return printable(plain_text(value));
}

bool Printer::document(std::string_view kind, const json::value& data) {
  switch (options_.format) {
    case Format::json:
      sink_.write(pretty_json(envelope(kind, data)) + "\n");
      return true;
    case Format::jsonl:
      sink_.write(compact_json(data) + "\n");
      return true;
    case Format::yaml:
      sink_.write(text::to_yaml(envelope(kind, data)));
      return true;
    default:
      return false;
  }
}

void Printer::value_line(const std::string& text) { sink_.write((options_.raw ? text : printable(text)) + "\n"); }

std::vector<std::string> Printer::field_paths(const View& view) const {
  std::vector<std::string> out;
  for (const std::string& field : options_.fields) {
    const auto column =
        std::ranges::find_if(view.columns, [&](const model::Column& c) { return iequals(c.header, field); });
    out.push_back(column == view.columns.end() ? field : column->path);
  }
  return out;
}

// A field is legal when the view knows it or when some item has it.
Status Printer::check_fields(const View& view, const json::value& data) const {
  std::vector<std::string> wanted = field_paths(view);
  const bool is_value = options_.format == Format::value && !options_.quiet;
  if (is_value) wanted.push_back(options_.value_path);
  if (wanted.empty()) return {};
  const auto& items = items_of(data);
  const bool single = !data.is_object() || !data.get_object().contains("items");
  for (const std::string& path : wanted) {
    const bool known = path == view.id || is_listed(view.more_fields, path) ||
                       std::ranges::any_of(view.columns, [&](const auto& c) { return c.path == path; });
    const bool present =
        find_path(data, path) || std::ranges::any_of(items, [&](const auto& item) { return find_path(item, path); });
    if (known || present) continue;
    std::vector<std::string> legal;
    const auto add = [&](std::string name) {
      if (!name.ends_with('.') && std::ranges::find(legal, name) == legal.end()) legal.push_back(std::move(name));
    };
    for (const auto& column : view.columns) add(column.path);
    for (const auto& field : view.more_fields) add(field);
    if (single && data.is_object()) {
      for (const auto& [key, value] : data.get_object()) add(std::string(key));
    } else if (!items.empty() && items.front().is_object()) {
      for (const auto& [key, value] : items.front().get_object()) add(std::string(key));
    }
    // What lies below a field that is there may be absent for good reason: a property not reported yet.
    const std::string top = path.substr(0, path.find_first_of(".["));
    if (is_value && top != path && std::ranges::find(legal, top) != legal.end() && top != "spec") continue;
    if (legal.empty()) continue;
    return Error(Errc::usage, "there is no field \"" + path + "\"", "fields are " + join(legal));
  }
  return {};
}

Result<Printer::Done> Printer::short_form(const View& view, const json::value& item) {
  if (options_.quiet || options_.format == Format::name) {
    const json::value* id = find_path(item, view.id);
    if (id && !id->is_null()) value_line((options_.quiet ? "" : view.id_prefix) + plain_text(*id));
    return Done::yes;
  }
  if (options_.format != Format::value) return Done::no;
  const json::value* value = find_path(item, options_.value_path);
  value_line(value ? plain_text(*value) : std::string());
  return Done::yes;
}

std::vector<model::Column> Printer::columns(const View& view) const {
  std::vector<model::Column> out;
  if (options_.fields.empty()) {
    for (const auto& column : view.columns) {
      if (!column.wide || options_.format == Format::wide) out.push_back(column);
    }
    return out;
  }
  for (const std::string& path : field_paths(view)) {
    const auto column = std::ranges::find(view.columns, path, &model::Column::path);
    out.push_back({column == view.columns.end() ? path : column->header, path});
  }
  return out;
}

Row Printer::cells(const std::vector<model::Column>& columns, const json::value& item) const {
  Row out;
  for (const auto& column : columns) {
    const json::value* value = find_path(item, column.path);
    out.push_back(value ? cell_text(*value) : std::string());
  }
  return out;
}

json::value Printer::picked(const View& view, const json::value& item) const {
  return options_.fields.empty() ? item : pick(item, field_paths(view));
}

Status Printer::one(const View& view, const json::value& data) {
  JL_CHECK(check_fields(view, data));
  JL_TRY(const Done done, short_form(view, data));
  if (done == Done::yes) return {};
  const json::value shown = picked(view, data);
  if (!document(view.kind, shown)) block(shown);
  return {};
}

void Printer::block(const json::value& data) { write_object(sink_, options_.table, data); }

Status Printer::list(const View& view, const json::value& data) {
  JL_CHECK(check_fields(view, data));
  const json::array& items = items_of(data);
  const bool is_short = options_.quiet || options_.format == Format::name || options_.format == Format::value;
  if (is_short || options_.format == Format::jsonl) {
    for (const auto& item : items) {
      JL_TRY(const Done done, short_form(view, item));
      if (done == Done::no) sink_.write(compact_json(picked(view, item)) + "\n");
    }
    return {};
  }
  if (options_.format == Format::json || options_.format == Format::yaml) {
    json::object out = data.is_object() ? data.get_object() : json::object();
    json::array chosen;
    for (const auto& item : items) chosen.push_back(picked(view, item));
    out["items"] = std::move(chosen);
    static_cast<void>(document(view.kind + "List", out));
    return {};
  }
  const auto chosen = columns(view);
  Row header;
  for (const auto& column : chosen) header.push_back(column.header);
  std::vector<Row> rows;
  rows.reserve(items.size());
  for (const auto& item : items) rows.push_back(cells(chosen, item));
  write_table(sink_, options_.table, header, rows);
  return {};
}

Status Printer::item(const View& view, const json::value& data) {
  JL_CHECK(check_fields(view, data));
  JL_TRY(const Done done, short_form(view, data));
  if (done == Done::no && !document(view.kind, picked(view, data))) {
    const auto chosen = columns(view);
    if (!growing_) {
      Row header;
      for (const auto& column : chosen) header.push_back(column.header);
      growing_ = std::make_unique<GrowingTable>(sink_, options_.table, std::move(header));
    }
    growing_->row(cells(chosen, data));
  }
  sink_.flush();
  return {};
}

}  // namespace jl::cli

#include "cli/points_csv.hpp"

#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "common/base/words.hpp"
#include "common/model/modbus.hpp"
#include "common/model/resource.hpp"
#include "common/text/csv.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace jl::cli {

namespace {

constexpr std::array<std::string_view, 4> kCommon{"id", "name", "description", "enabled"};
// Where a value stands is worth a column even if all points share it.
constexpr std::array<std::string_view, 3> kPlace{"unitId", "function", "address"};

const model::Kind& kind() { return *model::find_kind("modbus-point"); }
const model::Table& table() { return *kind().spec; }

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

struct Column {
  std::string key{};         ///< "" = nothing is taken from it
  bool in_spec = false;      ///< else it is one of kCommon
  bool is_nameless = false;  ///< must be empty
};

class TableReader {
 public:
  TableReader(const std::string& file, const std::string& channel) : file_(file), channel_(channel) {}

  Result<std::vector<PointRow>> read(const std::vector<text::CsvRow>& rows) {
    if (rows.empty()) return Error(Errc::invalid, "\"" + file_ + "\" is empty", "its first line names the columns");
    header(rows.front());
    // Without its columns, every row would be wrong for the same reason.
    if (!problems_.empty()) return error_from_problems(std::move(problems_));
    std::vector<PointRow> out;
    out.reserve(rows.size() - 1);
    for (std::size_t i = 1; i < rows.size(); ++i) out.push_back(row(rows[i]));
    if (!problems_.empty()) return error_from_problems(std::move(problems_));
    return out;
  }

 private:
  void problem(std::size_t line, const std::string& column, std::string message, const std::string& object = {},
               Errc code = Errc::invalid) {
    problems_.push_back(
        {column, std::move(message), code, object, SourcePosition{file_, static_cast<std::uint32_t>(line), 0}});
  }

  void header(const text::CsvRow& names) {
    for (const std::string& cell : names.cells) {
      const std::string_view name = trimmed(cell);
      Column column = name.empty() ? Column{{}, false, true} : column_of(std::string(name), names.line);
      const bool is_again = !column.key.empty() && find(column.key);
      if (is_again) problem(names.line, column.key, "this column stands twice");
      columns_.push_back(std::move(column));
    }
    if (!find("address")) problem(names.line, "address", "this column is missing");
    if (!find("id") && !find("name")) problem(names.line, "id", "there is neither a column for ids nor for names");
  }

  [[nodiscard]] bool find(std::string_view key) const {
    return std::ranges::any_of(columns_, [&](const Column& column) { return column.key == key; });
  }

  Column column_of(const std::string& name, std::size_t line) {
    std::vector<std::string> known;
    for (const std::string_view key : kCommon) {
      if (iequals(key, name)) return {std::string(key), false};
      known.emplace_back(key);
    }
    for (const model::Field& field : table().fields) {
      if (iequals(field.key, name) || (!field.flag.empty() && iequals(field.flag, name)))
        return {field.ignored ? std::string() : field.key, true};
      if (!field.ignored) known.push_back(field.key);
    }
    const std::string nearest = nearest_word(name, known);
    problem(line, name,
            "unknown column; " + (nearest.empty() ? "known are " + join(known) : "did you mean \"" + nearest + "\"?"),
            {}, Errc::unknown_field);
    return {};
  }

  PointRow row(const text::CsvRow& given) {
    json::object document{{"kind", kind().name}};
    json::object spec;
    for (std::size_t i = 0; i < given.cells.size(); ++i) {
      const std::string_view cell = trimmed(given.cells[i]);
      if (cell.empty()) continue;
      if (i >= columns_.size()) {
        problem(given.line, "",
                std::to_string(given.cells.size()) + " cells; the first line names " + std::to_string(columns_.size()));
        break;
      }
      const Column& column = columns_[i];
      if (column.is_nameless) {
        problem(given.line, "",
                "\"" + std::string(cell) + "\" stands in column " + std::to_string(i + 1) + ", which has no name");
      } else if (column.key == "name" || column.key == "description") {
        document[column.key] = given.cells[i];  // blanks are part of them
      } else if (!column.key.empty()) {
        (column.in_spec ? spec : document)[column.key] = cell;
      }
    }
    take_channel(given.line, spec);
    name_it(given.line, document);
    document["spec"] = std::move(spec);
    check(given.line, document);
    return {given.line, std::move(document)};
  }

  void take_channel(std::size_t line, json::object& spec) {
    const auto* given = spec.if_contains("channelId");
    if (given && *given != json::value(channel_))
      problem(line, "channelId", "\"" + plain_text(*given) + "\" is another channel than \"" + channel_ + "\"");
    spec["channelId"] = channel_;
  }

  // A row without an id is called CHANNEL.NAME: letters and digits as they are, what else ASCII has as dashes.
  void name_it(std::size_t line, json::object& document) {
    if (document.contains("id")) return;
    const auto* name = document.if_contains("name");
    if (!name) {
      document["id"] = "";
      return problem(line, "id", "neither an id nor a name is given");
    }
    std::string id = channel_ + ".";
    bool is_ascii = true;
    for (const char c : trimmed(std::string_view(name->get_string()))) {
      is_ascii = is_ascii && static_cast<unsigned char>(c) < 0x80;
      const bool is_kept = is_valid_id(std::string(1, c)) || c == '_' || c == '.';
      if (is_kept || (id.back() != '-' && id.back() != '.')) id += is_kept ? c : '-';
    }
    while (id.ends_with('-')) id.pop_back();
    const bool is_made = is_ascii && !id.ends_with('.') && is_valid_id(id);
    if (!is_made) problem(line, "id", "no id can be made of the name \"" + plain_text(*name) + "\"; give one");
    document["id"] = is_made ? id : std::string();
  }

  void check(std::size_t line, const json::object& document) {
    const std::string id(document.at("id").get_string());
    std::vector<Problem> found;
    const model::Resource resource = model::read_resource(kind(), document, found);
    const bool is_named = is_valid_id(id);
    for (const Problem& one : found) {
      if (one.field == "id" && id.empty()) continue;  // said already
      problem(line, column_name(one.field), one.message, is_named ? resource.label() : "", one.code);
    }
    if (!is_named) return;
    const auto [first, is_new] = lines_.emplace(id, line);
    if (!is_new)
      problem(line, "id", "this point stands twice; first in line " + std::to_string(first->second), resource.label());
  }

 public:
  static std::string column_name(const std::string& field) {
    return field.starts_with("spec.") ? field.substr(5) : field;
  }

 private:
  const std::string& file_;
  const std::string& channel_;
  std::vector<Column> columns_;
  std::unordered_map<std::string, std::size_t> lines_;
  std::vector<Problem> problems_;
};

bool is_default(const model::Field& field, const json::value& value) {
  return !field.default_value.is_null() && plain_text(value) == plain_text(field.default_value);
}

}  // namespace

Result<std::vector<PointRow>> read_points(std::string_view text, const std::string& file, const std::string& channel) {
  const auto rows = text::read_csv(text);
  if (!rows) return Error(rows.error().code, "\"" + file + "\": " + rows.error().message, rows.error().hint);
  return TableReader(file, channel).read(*rows);
}

void add_lines(const std::vector<PointRow>& rows, const std::string& file, std::vector<Problem>& problems) {
  std::unordered_map<std::string, std::size_t> lines;
  for (const PointRow& row : rows) lines.emplace(kind().name + "/" + plain_text(row.document.at("id")), row.line);
  for (Problem& problem : problems) {
    const auto found = lines.find(problem.object);
    if (problem.position || found == lines.end()) continue;
    problem.position = SourcePosition{file, static_cast<std::uint32_t>(found->second), 0};
    problem.field = TableReader::column_name(problem.field);
    if (problem.field == "channelId" && problem.code == Errc::immutable_field)
      problem.message = "this point belongs to another channel already";
  }
}

std::string write_points(const std::vector<json::object>& documents) {
  std::vector<std::string> paths(kCommon.begin(), kCommon.end());
  for (const model::Field& field : table().fields) {
    if (field.ignored || field.key == "channelId") continue;
    const std::string path = "spec." + field.key;
    const bool is_used = std::ranges::any_of(documents, [&](const json::object& document) {
      const auto* value = find_path(document, path);
      return value && !is_default(field, *value);
    });
    if (is_used || std::ranges::find(kPlace, field.key) != kPlace.end()) paths.push_back(path);
  }
  std::string out;
  const auto line = [&](const auto& cell_of) {
    for (std::size_t i = 0; i < paths.size(); ++i) out += (i > 0 ? "," : "") + text::csv_cell(cell_of(paths[i]));
    out += "\n";
  };
  line([](const std::string& path) { return TableReader::column_name(path); });
  for (const json::object& document : documents) {
    line([&](const std::string& path) {
      const auto* value = find_path(document, path);
      return value ? plain_text(*value) : std::string();
    });
  }
  return out;
}

}  // namespace jl::cli

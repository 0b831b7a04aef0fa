#include "common/text/file_references.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>
#include <filesystem>
#include <utility>
#include <vector>

namespace jl::text {
namespace {

using model::Field;
using model::Type;

constexpr std::string_view kFromFile = "fromFile";

bool is_file_reference(const json::value& value) {
  const auto* object = value.if_object();
  return object && object->size() == 1 && object->begin()->key() == kFromFile && object->begin()->value().is_string();
}

bool is_about_the_file(Errc code) { return code == Errc::usage || code == Errc::invalid || code == Errc::too_large; }

// Visits each reference at a field for uploaded files: visit(field, value, path) answers the file's name, which goes
// beside the value when the field wants it there.
template <class Visit>
class Walk {
 public:
  Walk(const json::object& root, Visit& visit) : root_(root), visit_(visit) {}

  Status table(const model::Table& table, json::object& object, const std::string& path) {
    std::vector<std::pair<std::string_view, std::string>> names;
    for (const Field& field : table.fields) {
      auto* value = object.if_contains(field.key);
      if (!value || field.ignored) continue;
      const std::string at = path + "." + field.key;
      if (field.uploaded.empty() || !is_file_reference(*value)) {
        JL_CHECK(below(field, *value, at));
        continue;
      }
      JL_TRY(std::string name, visit_(field, *value, at));
      if (!name.empty() && !field.upload_name.empty()) names.emplace_back(field.upload_name, std::move(name));
    }
    // Last: a new member moves the others.
    for (const auto& [key, name] : names) {
      if (!object.contains(key)) object[key] = name;
    }
    return {};
  }

 private:
  Status below(const Field& field, json::value& value, const std::string& path) {
    if (field.type == Type::object && value.is_object()) return inside(field, value.as_object(), path);
    if (field.type != Type::list || !value.is_array()) return {};
    std::size_t index = 0;
    for (auto& item : value.as_array()) {
      const std::string at = fmt::format("{}[{}]", path, index++);
      if (item.is_object()) JL_CHECK(inside(field, item.as_object(), at));
    }
    return {};
  }

  Status inside(const Field& field, json::object& object, const std::string& path) {
    if (const model::Table* inner = field.table_for(root_)) return table(*inner, object, path);
    // A merge patch does not say which variant it is about: whichever has the field.
    for (const model::Variant& variant : field.variants) JL_CHECK(table(*variant.table, object, path));
    return {};
  }

  const json::object& root_;
  Visit& visit_;
};

template <class Visit>
Status for_each_file(ManifestDocument& document, const model::Kind* kind, Visit visit) {
  const auto* named = document.document.if_contains("kind");
  if (named && named->is_string()) kind = model::find_kind(named->as_string());
  auto* spec = document.document.if_contains("spec");
  if (!kind || !model::holds_files(*kind->spec) || (spec && !spec->is_object())) return {};
  // The fields of the spec may stand beside the id.
  json::object& object = spec ? spec->as_object() : document.document;
  const json::object root = object;  // selectors are read while what they select changes
  return Walk<Visit>(root, visit).table(*kind->spec, object, "spec");
}

}  // namespace

std::string shown_file_name(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  const std::size_t length = utf8_length(name);
  return length == std::string::npos || length > 255 || !is_printable_utf8(name) ? std::string() : name;
}

Status resolve_files(ManifestDocument& document, const model::Kind* kind, const FileTaker& take,
                     std::vector<Problem>& problems) {
  const std::filesystem::path folder =
      document.file == "<stdin>" ? std::filesystem::path() : std::filesystem::path(document.file).parent_path();
  return for_each_file(
      document, kind, [&](const Field& field, json::value& value, const std::string& path) -> Result<std::string> {
        const std::string file = (folder / std::string(value.as_object().begin()->value().as_string())).string();
        const auto id = take(field, file);
        if (id) {
          value = json::string(*id);
          return shown_file_name(file);
        }
        if (!is_about_the_file(id.error().code)) return id.error();
        problems.push_back({path, id.error().message, Errc::invalid, document.label(), document.position_of(path)});
        return std::string();
      });
}

std::vector<std::string> file_reference_paths(ManifestDocument& document, const model::Kind* kind) {
  std::vector<std::string> out;
  (void)for_each_file(document, kind, [&](const Field&, json::value&, const std::string& path) -> Result<std::string> {
    out.push_back(path);
    return std::string();
  });
  return out;
}

}  // namespace jl::text

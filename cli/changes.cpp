#include "cli/changes.hpp"

#include "cli/output/colour.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "cli/output/width.hpp"

namespace jl::cli {
namespace {

std::string text_at(const json::value& from, const char* key) {
  const auto* value = find_path(from, key);
  return value ? plain_text(*value) : std::string();
}

void write_field(Sink& sink, const json::value& field, bool colour) {
  const std::string name = printable(text_at(field, "field"));
  constexpr std::size_t kMost = 400;
  const auto side = [&](const char* key, const char* mark, Style style) {
    const auto* value = find_path(field, key);
    if (!value) return;
    const std::string shown = cut_to_width(printable(compact_json(*value)), kMost);
    sink.write("    " + styled(std::string(mark) + " " + name + ": " + shown, style, colour) + "\n");
  };
  side("before", "-", Style::bad);
  side("after", "+", Style::good);
}

}  // namespace

std::int64_t summary_number(const json::value& reply, const char* key) {
  const auto* summary = find_path(reply, "summary");
  const auto* value = summary ? find_path(*summary, key) : nullptr;
  return value && value->is_int64() ? value->get_int64() : 0;
}

std::int64_t changed_count(const json::value& reply) {
  return summary_number(reply, "created") + summary_number(reply, "updated") + summary_number(reply, "deleted");
}

std::string summary_text(const json::value& reply) {
  std::string out;
  for (const char* key : {"created", "updated", "deleted", "unchanged"}) {
    const auto count = summary_number(reply, key);
    if (count == 0) continue;
    out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + key;
  }
  if (out.empty()) out = "nothing to do";
  if (const std::string revision = text_at(reply, "revision"); !revision.empty()) out += " (revision " + revision + ")";
  if (const std::string cut = text_at(reply, "disconnected"); !cut.empty() && cut != "0")
    out += "; " + cut + " device sessions disconnected";
  return out;
}

std::vector<std::string> texts_at(const json::value& reply, const char* key) {
  std::vector<std::string> out;
  const auto* list = find_path(reply, key);
  if (!list || !list->is_array()) return out;
  for (const auto& item : list->get_array()) out.push_back(plain_text(item));
  return out;
}

std::vector<std::string> unbound_texts(const json::value& reply) {
  std::vector<std::string> out;
  const auto* list = find_path(reply, "unbound");
  if (!list || !list->is_array()) return out;
  for (const auto& entry : list->get_array()) {
    if (!entry.is_object()) continue;
    std::string fields;
    for (const auto& [key, value] : entry.get_object()) {
      if (key != "resource") fields += (fields.empty() ? "" : ", ") + std::string(key) + " " + plain_text(value);
    }
    out.push_back(text_at(entry, "resource") + ": " + fields);
  }
  return out;
}

std::vector<std::string> aftermath_texts(const json::value& reply) {
  std::vector<std::string> out;
  for (const std::string& label : texts_at(reply, "alsoDeleted")) out.push_back(label + " deleted as well");
  for (const std::string& entry : unbound_texts(reply)) out.push_back(entry + " unbound");
  return out;
}

void write_deletion(Printer& out, const json::value& reply) {
  const bool colour = out.options().table.colour;
  const auto line = [&](const std::string& text) {
    out.sink().write(styled(printable(text), Style::bold, colour) + "\n");
  };
  line("- " + text_at(reply, "kind") + "/" + text_at(reply, "id"));
  for (const std::string& label : texts_at(reply, "alsoDeleted")) line("- " + label);
  for (const std::string& entry : unbound_texts(reply)) line("~ " + entry + ": unbound");
}

void write_changes(Printer& out, const json::value& reply, bool with_fields) {
  const auto* changes = find_path(reply, "changes");
  if (!changes || !changes->is_array()) return;
  Sink& sink = out.sink();
  const bool colour = out.options().table.colour;
  // A fleet of thousands scrolls everything else away; programs ask for JSON.
  const std::size_t most = out.options().table.aligned && !with_fields ? 50 : changes->get_array().size();
  std::size_t shown = 0;
  for (const auto& change : changes->get_array()) {
    if (shown++ == most) break;
    const std::string result = text_at(change, "result");
    const std::string object = printable(text_at(change, "kind") + "/" + text_at(change, "id"));
    if (!with_fields) {
      sink.write(object + (out.options().table.aligned ? " " : "\t") + result + "\n");
      continue;
    }
    const bool created = result == "created";
    const bool deleted = result == "deleted";
    sink.write(styled((created ? "+ " : deleted ? "- " : "~ ") + object, Style::bold, colour) + "\n");
    const auto* fields = find_path(change, "fields");
    if (created || deleted || !fields || !fields->is_array()) continue;
    for (const auto& field : fields->get_array()) write_field(sink, field, colour);
  }
  const auto total = static_cast<std::size_t>(changed_count(reply));
  const std::size_t listed = std::min(most, changes->get_array().size());
  if (total > listed) sink.write("... and " + std::to_string(total - listed) + " more\n");
}

}  // namespace jl::cli

#include "cli/import/conversion.hpp"

#include "cli/import/ids.hpp"
#include "cli/import/values.hpp"
#include "common/base/words.hpp"

#include <algorithm>
#include <array>

namespace jl::cli::jetlinks {
namespace {

constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostDescription = 200;

// Who and when (network.md 1.1), and what was read out of the state.
constexpr std::array<std::string_view, 9> kAudit{"creatorId",  "creatorName",    "createTime",
                                                 "modifierId", "modifierName",   "modifyTime",
                                                 "stateTime",  "createTimeText", "describe"};

// The first characters of well-formed UTF-8.
std::string first_characters(const std::string& text, std::size_t most) {
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size(); ++at) {
    const bool starts = (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
    if (starts && seen++ == most) break;
  }
  return text.substr(0, at);
}

std::string without_controls(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

}  // namespace

Draft* Conversion::add(const model::Kind& kind, const std::string& file, std::size_t number, json::object object) {
  Draft draft;
  draft.kind = &kind;
  draft.file = file;
  const json::value given_id = take(object, "id");
  draft.old_id = as_text(given_id);
  const auto* name = object.if_contains("name");
  if (draft.old_id.empty() && is_empty(given_id) && name) draft.old_id = as_text(*name);
  if (draft.old_id.empty() || utf8_length(draft.old_id) == std::string::npos) {
    notes_.push_back({file, "object " + std::to_string(number), "id",
                      "not carried: is a " + kind.name + " without an id that can be read", Severity::error});
    return nullptr;
  }
  if (const auto first = by_old_id_.find(draft.label()); first != by_old_id_.end()) {
    if (originals_[draft.label()] == object) return nullptr;
    note(draft, "",
         "not carried: stands twice with different content; the first, of " + first->second->file + ", is kept",
         Severity::error);
    return nullptr;
  }
  draft.id = legal_id(kind.name, draft.old_id);
  if (by_id_.contains(kind.name + "/" + draft.id)) {
    note(draft, "id", "not carried: another " + kind.name + " has the id \"" + draft.id + "\"", Severity::error);
    return nullptr;
  }
  originals_.emplace(draft.label(), object);
  draft.fields = std::move(object);
  std::deque<Draft>& all = drafts_[kind.name];
  all.push_back(std::move(draft));
  Draft& kept = all.back();
  by_old_id_.emplace(kept.label(), &kept);
  by_id_.emplace(kind.name + "/" + kept.id, &kept);
  place_common(kept);
  return &kept;
}

void Conversion::place_common(Draft& draft) {
  if (draft.id != draft.old_id) {
    // A device's id is what it sends as its MQTT client id and in its topics.
    const bool is_device = draft.kind->name == "device";
    note(draft, "id", "became \"" + draft.id + "\"" + (is_device ? ", which the device must use from now on" : ""),
         is_device ? Severity::warning : Severity::info);
  }
  draft.name = placed_text(draft, "name", as_text(take(draft.fields, "name")), kMostName);
  std::string description = as_text(take(draft.fields, "description"));
  // What products, devices and all of 1.x call it.
  const std::string describe = as_text(take(draft.fields, "describe"));
  if (description.empty()) description = describe;
  draft.description = placed_text(draft, "description", std::move(description), kMostDescription);
  place_state(draft);
}

std::string Conversion::placed_text(Draft& draft, const char* field, std::string text, std::size_t most) {
  const std::size_t length = utf8_length(text);
  if (length == std::string::npos) {
    note(draft, field, "dropped: is not UTF-8 text");
    return {};
  }
  if (length > most) {
    note(draft, field, "cut from " + std::to_string(length) + " characters to " + std::to_string(most));
    text = first_characters(text, most);
  }
  if (is_printable_utf8(text)) return text;
  text = without_controls(std::move(text));
  if (is_printable_utf8(text)) return text;
  note(draft, field, "dropped: has characters that cannot be printed");
  return {};
}

// Words of components and gateways, 1 and 0 of products and protocols, words and runtime codes of devices (access.md
// 6).
void Conversion::place_state(Draft& draft) {
  const json::value state = take(draft.fields, "state");
  const std::string word = to_lower(as_word(state));
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
  };
  if (is_empty(state)) {
    draft.enabled = draft.kind->enabled_by_default;
  } else if (is({"enabled", "1", "online", "offline"}) || (word == "-1" && draft.kind->name == "device")) {
    draft.enabled = true;
  } else if (is({"disabled", "0", "notactive", "-2", "-3"})) {
    draft.enabled = false;
  } else {
    draft.enabled = false;
    note(draft, "state",
         word == "paused" ? "paused became disabled; jlinkd knows no pause"
                          : "is none of JetLinks' states; became disabled",
         word == "paused" ? Severity::info : Severity::warning);
  }
}

void Conversion::note(const Draft& draft, std::string field, std::string reason, Severity severity) {
  notes_.push_back(
      {draft.file, tellable(draft.label()), tellable(std::move(field)), tellable(std::move(reason)), severity});
}

void Conversion::leave_out(Draft& draft, const std::string& field, const std::string& reason) {
  if (!draft.carried) return;
  draft.carried = false;
  note(draft, field, "not carried: " + reason, Severity::error);
}

void Conversion::turn_off(Draft& draft, const std::string& field, const std::string& reason) {
  if (!draft.carried || !draft.enabled) return;
  draft.enabled = false;
  note(draft, field, "disabled: " + reason);
}

Conversion::Target Conversion::find(std::string_view kind, const std::string& old_id) {
  const std::string label = std::string(kind) + "/" + old_id;
  Target out;
  if (const auto found = by_old_id_.find(label); found != by_old_id_.end()) {
    out.draft = found->second;
    out.id = out.draft->id;
    out.usable = out.draft->carried;
    if (!out.usable) out.trouble = std::string(kind) + " \"" + old_id + "\" is not carried";
    if (out.usable) return out;
  } else {
    out.id = legal_id(kind, old_id);
    out.trouble = std::string(kind) + " \"" + old_id +
                  "\" is in none of the files; give its file as well, or, if the "
                  "daemon has it, --existing " +
                  std::string(kind);
  }
  out.usable = std::ranges::any_of(options_.existing, [&](const std::string& existing) {
    return existing == kind || existing == label || existing == std::string(kind) + "/" + out.id;
  });
  return out;
}

const Draft* Conversion::draft_here(std::string_view kind, const std::string& id) const {
  const auto found = by_id_.find(std::string(kind) + "/" + id);
  return found == by_id_.end() ? nullptr : found->second;
}

void Conversion::drop_rest(Draft& draft, std::span<const std::string_view> derived) {
  const auto is_silent = [&](std::string_view key) {
    return std::ranges::find(kAudit, key) != kAudit.end() || std::ranges::find(derived, key) != derived.end();
  };
  std::vector<std::string> keys;
  for (const auto& [key, value] : draft.fields) {
    if (draft.carried && !is_silent(key) && !is_empty(value)) keys.emplace_back(key);
  }
  std::ranges::sort(keys);
  for (const std::string& key : keys) {
    const bool is_store = key == "storePolicy" || key == "storePolicyConfiguration";
    note(draft, key,
         is_store ? "dropped: jlinkd keeps device data in its own store" : "dropped: jlinkd has no such field");
  }
  draft.fields.clear();
}

}  // namespace jl::cli::jetlinks

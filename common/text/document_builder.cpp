#include "common/text/document_builder.hpp"

#include "common/base/assert.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace jl::text {

void FileContext::problem(std::string field, std::string message, Place place, Errc code) {
  if (problems.size() >= kMaxProblems) return;
  problems.push_back({std::move(field), std::move(message), code, {}, SourcePosition{file, place.line, place.column}});
}

void FileContext::warn(Place place, const std::string& message) {
  constexpr std::size_t kMaxWarnings = 100;
  if (warnings && warnings->size() < kMaxWarnings) {
    warnings->push_back(fmt::format("{}:{}:{}: {}", file, place.line, place.column, message));
  }
}

DocumentBuilder::DocumentBuilder(FileContext& context, bool keep_places) : context_(context) {
  if (keep_places) table_ = std::make_shared<PlaceTable>();
}

bool DocumentBuilder::refuse(std::string message, Place place, Errc code) {
  context_.problem(path(), std::move(message), place, code);
  return false;
}

PathHash DocumentBuilder::next_path() const {
  if (frames_.empty()) return {};
  const Frame& frame = frames_.back();
  return frame.value.is_array() ? frame.path.index(frame.value.get_array().size()) : frame.path.key(frame.key);
}

std::string DocumentBuilder::path() const {
  std::string out;
  for (const Frame& frame : frames_) {
    if (frame.value.is_array()) {
      out += fmt::format("[{}]", frame.value.get_array().size());
    } else if (frame.has_key) {
      if (!out.empty()) out += '.';
      out += frame.key;
    }
  }
  return out;
}

bool DocumentBuilder::spend(std::size_t nodes, std::size_t bytes, Place place) {
  Budget& budget = context_.budget;
  budget.nodes += nodes;
  budget.bytes += bytes;
  if (budget.nodes > budget.limits.nodes) {
    return refuse(fmt::format("more than {} values, aliases expanded", budget.limits.nodes), place, Errc::too_large);
  }
  if (budget.bytes > budget.limits.bytes) {
    return refuse(fmt::format("more than {} bytes, aliases expanded", budget.limits.bytes), place, Errc::too_large);
  }
  return true;
}

bool DocumentBuilder::begin(json::value value, Place place, Anchor anchor) {
  const Budget& budget = context_.budget;
  Frame frame{std::move(value), next_path()};
  frame.anchor = anchor;
  frame.nodes_before = budget.nodes;
  frame.bytes_before = budget.bytes;
  if (!spend(1, 0, place)) return false;
  if (frames_.size() >= budget.limits.depth) {
    return refuse(fmt::format("nested deeper than {} levels", budget.limits.depth), place, Errc::too_large);
  }
  if (table_ && (frames_.empty() || frames_.back().value.is_array())) table_->add(frame.path, place);
  frames_.push_back(std::move(frame));
  return true;
}

bool DocumentBuilder::key(std::string_view name, Place place, bool merges) {
  JL_ASSERT(wants_key());
  if (!spend(0, name.size(), place)) return false;
  Frame& frame = frames_.back();
  frame.key = name;
  frame.key_place = place;
  frame.has_key = true;
  frame.merges = merges;
  if (table_) table_->add(frame.path.key(name), place);
  if (merges ? !frame.merged.empty() : frame.value.get_object().contains(name)) {
    std::string at = path();
    if (duplicates_.size() < kMaxProblems && std::ranges::find(duplicates_, at) == duplicates_.end()) {
      duplicates_.push_back(std::move(at));
    }
  }
  return true;
}

bool DocumentBuilder::scalar(json::value value, Place place, Anchor anchor) {
  const std::size_t bytes = value.is_string() ? value.get_string().size() : 0;
  if (!spend(1, bytes, place)) return false;
  if (table_ && (frames_.empty() || frames_.back().value.is_array())) table_->add(next_path(), place);
  if (anchor != 0 && !remember(anchor, {value, 0, 1, bytes}, place)) return false;
  return put(std::move(value), 0, place);
}

bool DocumentBuilder::alias(Anchor anchor, Place place) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) return refuse("an alias inside of what it stands for", place, Errc::invalid);
  const Anchored& target = found->second;
  if (frames_.size() + target.height > context_.budget.limits.depth) {
    return refuse(fmt::format("nested deeper than {} levels", context_.budget.limits.depth), place, Errc::too_large);
  }
  if (!spend(target.nodes, target.bytes, place)) return false;
  if (table_ && !frames_.empty() && frames_.back().value.is_array()) table_->add(next_path(), place);
  return put(target.value, target.height, place);
}

bool DocumentBuilder::remember(Anchor anchor, Anchored value, Place place) {
  if (!spend(value.nodes, value.bytes, place)) return false;  // the copy kept here costs as much as the original
  anchors_.insert_or_assign(anchor, std::move(value));
  return true;
}

bool DocumentBuilder::put(json::value value, std::size_t height, Place place) {
  if (frames_.empty()) {
    root_ = std::move(value);
    done_ = true;
    return true;
  }
  Frame& frame = frames_.back();
  frame.height = std::max(frame.height, height);
  if (frame.value.is_array()) {
    frame.value.get_array().push_back(std::move(value));
    return true;
  }
  JL_ASSERT(frame.has_key);
  if (frame.merges) {
    if (!merge(frame, std::move(value), place)) return false;
  } else {
    frame.value.get_object().insert_or_assign(frame.key, std::move(value));
  }
  frame.has_key = false;
  return true;
}

bool DocumentBuilder::merge(Frame& frame, json::value value, Place place) {
  json::array list;
  if (value.is_array()) {
    list = std::move(value.get_array());
  } else {
    list.push_back(std::move(value));
  }
  for (json::value& item : list) {
    if (!item.is_object()) return refuse("\"<<\" takes an object or a list of objects", place, Errc::invalid);
    frame.merged.emplace_back(std::move(item), frame.key_place);
  }
  return true;
}

// Members of the object itself win over merged ones, earlier merged ones over later ones.
void DocumentBuilder::take_over(Frame& frame, PlaceTable* table) {
  json::object& object = frame.value.get_object();
  for (auto& [from, place] : frame.merged) {
    for (auto& member : from.get_object()) {
      if (object.contains(member.key())) continue;
      if (table) table->add(frame.path.key(member.key()), place);
      object.emplace(member.key(), std::move(member.value()));
    }
  }
}

bool DocumentBuilder::end() {
  JL_ASSERT(!frames_.empty());
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  if (!frame.merged.empty()) take_over(frame, table_.get());
  const Place place = frame.key_place;
  const std::size_t height = frame.height + 1;
  if (frame.anchor != 0) {
    const std::size_t nodes = context_.budget.nodes - frame.nodes_before;
    const std::size_t bytes = context_.budget.bytes - frame.bytes_before;
    if (!remember(frame.anchor, {frame.value, height, nodes, bytes}, place)) return false;
  }
  return put(std::move(frame.value), height, place);
}

namespace {

void tell_duplicates(FileContext& context, const std::vector<std::string>& paths, const PlaceTable& places) {
  for (const std::string& path : paths) {
    const auto all = places.all(PathHash::of(path));
    for (std::size_t i = 1; i < all.size(); ++i) {
      context.problem(path, fmt::format("stands twice; first at {}:{}:{}", context.file, all[0].line, all[0].column),
                      all[i]);
    }
  }
}

void add_document(FileContext& context, json::value& value, PositionIndex positions) {
  if (value.is_null()) return;
  if (!value.is_object()) {
    context.problem({}, "a document must be an object with kind, id and spec", positions.find({}));
    return;
  }
  if (++context.budget.documents > context.budget.limits.documents) {
    if (context.budget.documents == context.budget.limits.documents + 1) {
      context.problem({}, fmt::format("more than {} documents", context.budget.limits.documents), positions.find({}),
                      Errc::too_large);
    }
    return;
  }
  context.documents.push_back({std::move(value.get_object()), std::move(positions), context.file});
}

}  // namespace

void collect_documents(FileContext& context, DocumentBuilder& builder,
                       const std::function<PositionIndex(std::string prefix)>& index_of, const PlaceTable* places) {
  if (!builder.duplicates().empty() && places) tell_duplicates(context, builder.duplicates(), *places);
  json::value& root = builder.root();
  json::array* list = root.if_array();
  std::string prefix;
  if (const json::object* object = root.if_object(); object && !object->contains("kind")) {
    if (json::value* documents = root.get_object().if_contains("documents"); documents && documents->is_array()) {
      list = &documents->get_array();
      prefix = "documents";
    }
  }
  if (!list) return add_document(context, root, index_of({}));
  for (std::size_t i = 0; i < list->size(); ++i) {
    add_document(context, (*list)[i], index_of(fmt::format("{}[{}]", prefix, i)));
  }
}

Place place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.find_last_of('\n');
  const auto newlines = std::ranges::count(before, '\n');
  const std::size_t column = line_start == std::string_view::npos ? before.size() : before.size() - line_start - 1;
  return {static_cast<std::uint32_t>(newlines + 1), static_cast<std::uint32_t>(column + 1)};
}

}  // namespace jl::text

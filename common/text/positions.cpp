#include "common/text/positions.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>

namespace jl::text {
namespace {

// Walks over JSON that is known to be well-formed and takes down where keys and items start.
class JsonWalk {
 public:
  JsonWalk(std::string_view text, std::size_t offset, Place start) : text_(text), at_(offset), place_(start) {}

  PlaceTable run() {
    skip_space();
    table_.add({}, place_);
    value({});
    table_.sort();
    return std::move(table_);
  }

 private:
  [[nodiscard]] bool more() const { return at_ < text_.size(); }
  [[nodiscard]] char peek() const { return more() ? text_[at_] : '\0'; }

  void step() {
    if (text_[at_++] == '\n') {
      ++place_.line;
      place_.column = 1;
    } else {
      ++place_.column;
    }
  }

  void skip_space() {
    while (more() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) step();
  }

  // The text of a string literal, still escaped, with its quotes.
  std::string_view literal() {
    const std::size_t from = at_;
    step();
    while (more() && peek() != '"') {
      if (peek() == '\\') step();
      if (more()) step();
    }
    if (more()) step();
    return text_.substr(from, at_ - from);
  }

  static std::string unescaped(std::string_view quoted) {
    if (quoted.find('\\') == std::string_view::npos) return std::string(quoted.substr(1, quoted.size() - 2));
    boost::system::error_code ec;
    const auto parsed = boost::json::parse(boost::json::string_view(quoted), ec);
    return ec || !parsed.is_string() ? std::string() : std::string(parsed.as_string());
  }

  void value(PathHash path) {
    skip_space();
    if (peek() == '{') {
      object(path);
    } else if (peek() == '[') {
      array(path);
    } else if (peek() == '"') {
      (void)literal();
    } else {
      while (more() && std::string_view(",]} \t\r\n").find(peek()) == std::string_view::npos) step();
    }
  }

  void object(PathHash path) {
    step();
    for (skip_space(); peek() == '"'; skip_space()) {
      const Place place = place_;
      const PathHash member = path.key(unescaped(literal()));
      table_.add(member, place);
      skip_space();
      if (peek() == ':') step();
      value(member);
      skip_space();
      if (peek() == ',') step();
    }
    if (peek() == '}') step();
  }

  void array(PathHash path) {
    step();
    std::size_t index = 0;
    for (skip_space(); more() && peek() != ']'; skip_space()) {
      const std::size_t before = at_;
      const PathHash item = path.index(index++);
      table_.add(item, place_);
      value(item);
      skip_space();
      if (peek() == ',') step();
      if (at_ == before) return;  // not JSON after all
    }
    if (peek() == ']') step();
  }

  std::string_view text_;
  std::size_t at_;
  Place place_;
  PlaceTable table_;
};

}  // namespace

void PathHash::add(std::string_view text) {
  for (const char c : text) {
    value_ ^= static_cast<unsigned char>(c);
    value_ *= 0x100000001b3ull;  // FNV-1a
  }
  if (!text.empty()) empty_ = false;
}

PathHash PathHash::key(std::string_view name) const {
  PathHash out = *this;
  if (!empty_) out.add(".");
  out.add(name);
  return out;
}

PathHash PathHash::index(std::size_t at) const {
  PathHash out = *this;
  out.add("[" + std::to_string(at) + "]");
  return out;
}

PathHash PathHash::of(std::string_view path) {
  PathHash out;
  out.add(path);
  return out;
}

void PlaceTable::sort() {
  const auto order = [](const Entry& e) { return std::tuple(e.hash, e.place.line, e.place.column); };
  std::ranges::sort(entries_, {}, order);
}

std::vector<Place> PlaceTable::all(PathHash path) const {
  std::vector<Place> out;
  auto at = std::ranges::lower_bound(entries_, path.value(), {}, &Entry::hash);
  for (; at != entries_.end() && at->hash == path.value(); ++at) out.push_back(at->place);
  return out;
}

std::optional<Place> PlaceTable::find(PathHash path) const {
  const auto at = std::ranges::lower_bound(entries_, path.value(), {}, &Entry::hash);
  if (at == entries_.end() || at->hash != path.value()) return std::nullopt;
  return at->place;
}

PositionIndex::PositionIndex(std::shared_ptr<const PlaceTable> table, std::string prefix)
    : table_(std::move(table)), prefix_(std::move(prefix)) {}

PositionIndex::PositionIndex(std::shared_ptr<JsonText> text, std::string prefix)
    : json_(std::move(text)), prefix_(std::move(prefix)) {
  JL_ASSERT(json_ && json_->text);
}

const PlaceTable* PositionIndex::table() const {
  if (table_) return table_.get();
  if (!json_) return nullptr;
  if (!json_->table) {
    json_->table = std::make_shared<PlaceTable>(places_of_json(*json_->text, json_->offset, json_->start));
  }
  return json_->table.get();
}

Place PositionIndex::find(std::string_view field_path) const {
  const PlaceTable* places = table();
  if (!places) return {};
  std::string path = prefix_;
  if (!path.empty() && !field_path.empty() && field_path.front() != '[') path += '.';
  path += field_path;
  while (path.size() > prefix_.size()) {
    if (const auto place = places->find(PathHash::of(path))) return *place;
    const std::size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  return places->find(PathHash::of(prefix_)).value_or(Place{});
}

PlaceTable places_of_json(std::string_view text, std::size_t offset, Place start) {
  return JsonWalk(text, offset, start).run();
}

}  // namespace jl::text

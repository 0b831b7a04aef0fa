#include "daemon/codec/package/json_file.hpp"

#include "common/base/assert.hpp"
#include "common/text/document_builder.hpp"

#include <algorithm>
#include <tuple>

namespace jl::codec::package {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Problem problem_at(SourcePosition position, std::string field, std::string message) {
  return {std::move(field), std::move(message), Errc::invalid, {}, std::move(position)};
}

// The parser lets the later of two equal keys win; the table of places knows both. Paths are hashes on the way down,
// and become text only for a problem: a long key over a long list would cost its length for every item.
class DuplicateSearch {
 public:
  DuplicateSearch(const std::string& file, const text::PlaceTable& places, std::vector<Problem>& problems)
      : file_(file), places_(places), problems_(problems) {}

  void look(const json::value& value) { look(value, {}, nullptr); }

 private:
  struct Step {
    const Step* up;
    std::string_view key;
    std::size_t index;
  };

  void look(const json::value& value, text::PathHash hash, const Step* at) {
    if (const auto* object = value.if_object()) {
      for (const auto& [key, member] : *object) {
        const Step step{at, key, 0};
        const text::PathHash below = hash.key(key);
        // A key with a dot may look like a member of a member.
        const bool is_plain = key.find_first_of(".[") == std::string_view::npos;
        const auto all = is_plain ? places_.all(below) : std::vector<text::Place>();
        if (all.size() > 1 && problems_.size() < text::kMaxProblems)
          problems_.push_back(problem_at({file_, all.back().line, all.back().column}, path_of(&step), "stands twice"));
        look(member, below, &step);
      }
    } else if (const auto* array = value.if_array()) {
      for (std::size_t i = 0; i < array->size(); ++i) {
        const Step step{at, {}, i};
        look((*array)[i], hash.index(i), &step);
      }
    }
  }

  static std::string path_of(const Step* step) {
    std::string out;
    for (; step; step = step->up) {
      const bool is_item = step->key.empty();
      std::string part = is_item ? "[" + std::to_string(step->index) + "]" : std::string(step->key.substr(0, 80));
      if (!out.empty() && out.front() != '[') part += '.';
      out.insert(0, part);
    }
    return out;
  }

  const std::string& file_;
  const text::PlaceTable& places_;
  std::vector<Problem>& problems_;
};

}  // namespace

JsonFile::JsonFile(std::string path, json::value value, text::PlaceTable places)
    : path_(std::move(path)),
      value_(std::move(value)),
      positions_(std::make_shared<const text::PlaceTable>(std::move(places)), "") {}

std::optional<JsonFile> JsonFile::read(const Files& files, const std::string& path, std::vector<Problem>& problems) {
  const auto refuse = [&](text::Place place, std::string message) {
    problems.push_back(problem_at({path, place.line, place.column}, "", std::move(message)));
    return std::nullopt;
  };
  const auto found = files.find(path);
  if (found == files.end()) return refuse({}, "there is no such file in the package");
  const std::string_view text = found->second;
  if (text.size() > kMaxJsonFile)
    return refuse({}, "is larger than " + std::to_string(kMaxJsonFile >> 20u) + " MiB, the most for a JSON file");

  const std::size_t start = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::parser parser({}, options);
  boost::system::error_code ec;
  const std::size_t used = parser.write_some(text.data() + start, text.size() - start, ec);
  const std::size_t rest = std::min(text.find_first_not_of(" \t\r\n", start + used), text.size());
  if (ec) return refuse(text::place_of(text, start + used), "not JSON: " + ec.message());
  if (rest != text.size()) return refuse(text::place_of(text, rest), "not JSON: something stands behind the value");

  json::value value = parser.release();
  text::PlaceTable places = text::places_of_json(text, start, {});
  const std::size_t before = problems.size();
  DuplicateSearch(path, places, problems).look(value);
  if (problems.size() != before) return std::nullopt;
  return JsonFile(path, std::move(value), std::move(places));
}

SourcePosition JsonFile::position_of(std::string_view field) const {
  const text::Place place = positions_.find(field);
  return {path_, place.line, place.column};
}

void JsonFile::locate(std::vector<Problem>& problems, std::size_t first, std::string_view prefix) const {
  for (std::size_t i = first; i < problems.size(); ++i) {
    if (problems[i].position) continue;
    std::string_view field = problems[i].field;
    if (!prefix.empty() && field.starts_with(prefix)) field.remove_prefix(prefix.size());
    if (field.starts_with('.')) field.remove_prefix(1);
    problems[i].position = position_of(field);
  }
}

std::string line_of(const Problem& problem) {
  std::string out;
  if (problem.position)
    out = problem.position->file + ":" + std::to_string(problem.position->line) + ":" +
          std::to_string(problem.position->column) + ": ";
  if (!problem.field.empty()) out += problem.field + ": ";
  return out + problem.message;
}

Error error_of(std::vector<Problem> problems) {
  JL_ASSERT(!problems.empty());
  constexpr std::size_t kShown = 3;
  std::ranges::stable_sort(problems, {}, [](const Problem& p) {
    return p.position ? std::tuple(p.position->file, p.position->line, p.position->column)
                      : std::tuple(std::string(), 0u, 0u);
  });
  std::string message;
  for (std::size_t i = 0; i < std::min(kShown, problems.size()); ++i)
    message += (message.empty() ? "" : "; ") + line_of(problems[i]);
  if (problems.size() > kShown) message += " (and " + std::to_string(problems.size() - kShown) + " more)";
  Error error{Errc::invalid, std::move(message), {}, problems.front().field};
  error.problems = std::move(problems);
  return error;
}

}  // namespace jl::codec::package

// JSON manifests through Boost.JSON's event parser: its value parser would let the later of two equal keys win.
#include "common/text/document_builder.hpp"
#include "common/text/scalar.hpp"

#include <boost/json/basic_parser_impl.hpp>

namespace jl::text {
namespace {

// The handler interface of boost::json::basic_parser. Texts may arrive in parts.
class Handler {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  using Code = boost::system::error_code;
  using View = json::string_view;

  explicit Handler(FileContext& context) : context_(&context) { restart({}); }

  void restart(Place start) {
    start_ = start;
    text_.clear();
    builder_ = std::make_unique<DocumentBuilder>(*context_, false);
  }
  DocumentBuilder& builder() { return *builder_; }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code& ec) { return need(builder_->begin_object(start_), ec); }
  bool on_object_end(std::size_t, Code& ec) { return need(builder_->end(), ec); }
  bool on_array_begin(Code& ec) { return need(builder_->begin_array(start_), ec); }
  bool on_array_end(std::size_t, Code& ec) { return need(builder_->end(), ec); }
  bool on_key_part(View part, std::size_t, Code&) { return text_.append(part), true; }
  bool on_key(View part, std::size_t, Code& ec) {
    text_.append(part);
    const bool good = builder_->key(text_, start_);
    text_.clear();
    return need(good, ec);
  }
  bool on_string_part(View part, std::size_t, Code&) { return text_.append(part), true; }
  bool on_string(View part, std::size_t, Code& ec) {
    text_.append(part);
    const bool good = builder_->scalar(json::value(text_), start_);
    text_.clear();
    return need(good, ec);
  }
  bool on_number_part(View part, Code&) { return text_.append(part), true; }
  bool on_int64(std::int64_t value, View, Code& ec) { return number(value, ec); }
  bool on_uint64(std::uint64_t value, View, Code& ec) { return number(value, ec); }
  // Boost 1.81 rounds long numbers to a neighbour of the nearest double, so that writing and reading would not agree.
  bool on_double(double, View part, Code& ec) {
    text_.append(part);
    PlainScalar exact = read_plain_scalar(text_);
    if (exact.kind == PlainScalar::Kind::unusable) {
      context_->problem(builder_->path(), "\"" + text_.substr(0, 60) + "\" " + exact.trouble, start_);
      return need(false, ec);
    }
    return number(std::move(exact.value), ec);
  }
  bool on_bool(bool value, Code& ec) { return need(builder_->scalar(value, start_), ec); }
  bool on_null(Code& ec) { return need(builder_->scalar(nullptr, start_), ec); }
  bool on_comment_part(View, Code&) { return true; }
  bool on_comment(View, Code&) { return true; }

 private:
  bool number(json::value value, Code& ec) {
    text_.clear();
    return need(builder_->scalar(std::move(value), start_), ec);
  }

  static bool need(bool go_on, Code& ec) {
    if (!go_on) ec = json::error::object_too_large;
    return go_on;
  }

  FileContext* context_;
  Place start_{};
  std::string text_;
  std::unique_ptr<DocumentBuilder> builder_;
};

// Moves a place over a stretch of text.
Place advanced(Place place, std::string_view over) {
  const Place inside = place_of(over, over.size());
  if (inside.line == 1) return {place.line, place.column + inside.column - 1};
  return {place.line + inside.line - 1, inside.column};
}

void place_problem(Problem& problem, const PlaceTable& places) {
  if (const auto at = places.find(PathHash::of(problem.field)); at && problem.position) {
    problem.position->line = at->line;
    problem.position->column = at->column;
  }
}

}  // namespace

bool read_json(FileContext& context, std::shared_ptr<const std::string> text) {
  json::parse_options options;
  options.max_depth = context.budget.limits.depth + 1;  // the builder tells it with a better word
  json::basic_parser<Handler> parser(options, context);
  const std::string_view all = *text;
  std::size_t at = all.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  std::size_t seen = at;
  Place place{};
  for (;;) {
    at = std::min(all.find_first_not_of(" \t\r\n", at), all.size());
    place = advanced(place, all.substr(seen, at - seen));
    seen = at;
    if (at == all.size()) return true;

    parser.reset();
    parser.handler().restart(place);
    const std::size_t problems = context.problems.size();
    boost::system::error_code ec;
    const std::size_t used = parser.write_some(false, all.data() + at, all.size() - at, ec);
    if (ec) {
      const std::string_view read = all.substr(0, at + used);
      if (context.problems.size() == problems) {
        context.problem(parser.handler().builder().path(), "not JSON: " + ec.message(),
                        advanced(place, read.substr(at)));
      } else {
        const PlaceTable places = places_of_json(read, at, place);
        for (std::size_t i = problems; i < context.problems.size(); ++i) place_problem(context.problems[i], places);
      }
      return false;
    }
    auto source = std::make_shared<PositionIndex::JsonText>(PositionIndex::JsonText{text, at, place, nullptr});
    DocumentBuilder& builder = parser.handler().builder();
    std::optional<PlaceTable> places;
    if (!builder.duplicates().empty()) places = places_of_json(all, at, place);
    const auto index_of = [&](std::string prefix) { return PositionIndex(source, std::move(prefix)); };
    collect_documents(context, builder, index_of, places ? &*places : nullptr);
    if (context.problems.size() >= kMaxProblems || context.budget.documents > context.budget.limits.documents)
      return false;
    at += used;
  }
}

}  // namespace jl::text

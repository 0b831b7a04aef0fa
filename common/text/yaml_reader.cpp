// The one file that knows yaml-cpp: its events become JSON values, its exceptions become problems.
#include "common/base/words.hpp"
#include "common/text/document_builder.hpp"
#include "common/text/scalar.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>
#include <istream>
#include <streambuf>

namespace jl::text {
namespace {

constexpr std::string_view kCoreTags = "tag:yaml.org,2002:";

// Leaves the parser from inside of an event; the problem has been told.
struct Stop : std::exception {};

struct ViewBuffer : std::streambuf {
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // a get area is never written to without overflow()
    setg(begin, begin, begin + text.size());
  }
};

Place place_at(const YAML::Mark& mark) {
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

class Events : public YAML::EventHandler {
 public:
  /// `last_start` is where the document before began, -1 at first.
  Events(FileContext& context, int& last_start) : context_(context), last_start_(last_start), builder_(context, true) {}

  DocumentBuilder& builder() { return builder_; }

  // yaml-cpp 0.7 makes empty documents without end out of a token that cannot start one, such as ",".
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == last_start_) refuse(mark, "not YAML: no document can start here");
    last_start_ = mark.pos;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (builder_.wants_key()) refuse(mark, "a key must be a text; quote it");
    need(builder_.scalar(nullptr, place_at(mark), anchor));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (builder_.wants_key()) refuse(mark, "a key must be a text, not an alias");
    need(builder_.alias(anchor, place_at(mark)));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (builder_.wants_key()) return on_key(mark, tag, anchor, text);
    need(builder_.scalar(value_of(mark, tag, text), place_at(mark), anchor));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (builder_.wants_key()) refuse(mark, "a key must be a text, not a list");
    check_collection_tag(mark, tag, "seq");
    need(builder_.begin_array(place_at(mark), anchor));
  }
  void OnSequenceEnd() override { need(builder_.end()); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (builder_.wants_key()) refuse(mark, "a key must be a text, not an object");
    check_collection_tag(mark, tag, "map");
    need(builder_.begin_object(place_at(mark), anchor));
  }
  void OnMapEnd() override { need(builder_.end()); }

 private:
  static void need(bool go_on) {
    if (!go_on) throw Stop();
  }

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string message) {
    context_.problem(builder_.path(), std::move(message), place_at(mark));
    throw Stop();
  }

  void on_key(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) {
    if (anchor != 0) refuse(mark, "a key cannot bear an anchor");
    const bool plain = tag == "?";
    if (!plain && tag != "!" && tag != std::string(kCoreTags) + "str") refuse(mark, "tag " + tag + " is not supported");
    need(builder_.key(text, place_at(mark), plain && text == "<<"));
  }

  json::value value_of(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
    if (tag == "!" || tag == std::string(kCoreTags) + "str") return json::value(text);
    PlainScalar scalar = read_plain_scalar(text);
    if (scalar.kind == PlainScalar::Kind::unusable) refuse(mark, "\"" + shown(text) + "\" " + scalar.trouble);
    if (tag == "?") {
      if (has_leading_zero(text)) {
        context_.warn(place_at(mark),
                      "\"" + shown(text) + "\" is read as a number, without its zeros; quote it if it is a text");
      }
      return std::move(scalar.value);
    }
    return tagged(mark, tag, text, std::move(scalar));
  }

  json::value tagged(const YAML::Mark& mark, const std::string& tag, const std::string& text, PlainScalar scalar) {
    using Kind = PlainScalar::Kind;
    const std::string_view word =
        tag.starts_with(kCoreTags) ? std::string_view(tag).substr(kCoreTags.size()) : std::string_view();
    const bool known = word == "null" || word == "bool" || word == "int" || word == "float";
    if (!known) refuse(mark, "tag " + shown(tag) + " is not supported");
    if (word == "float" && scalar.kind == Kind::integer) return scalar.value.to_number<double>();
    const Kind wanted = word == "null"   ? Kind::null
                        : word == "bool" ? Kind::boolean
                        : word == "int"  ? Kind::integer
                                         : Kind::real;
    if (scalar.kind != wanted) refuse(mark, "\"" + shown(text) + "\" is no " + std::string(word));
    return std::move(scalar.value);
  }

  void check_collection_tag(const YAML::Mark& mark, const std::string& tag, std::string_view own) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == std::string(kCoreTags) + std::string(own)) return;
    refuse(mark, "tag " + shown(tag) + " is not supported");
  }

  static std::string shown(const std::string& text) { return text.size() <= 60 ? text : text.substr(0, 57) + "..."; }

  FileContext& context_;
  int& last_start_;
  DocumentBuilder builder_;
};

// YAML 1.2 section 5.1 leaves no room for control characters, and yaml-cpp takes 0x04 for the end of the text.
bool check_characters(FileContext& context, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      context.problem({}, fmt::format("control character 0x{:02x}", c), place_of(text, i));
      return false;
    }
  }
  if (utf8_length(text) != std::string_view::npos) return true;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    if (utf8_length(text.substr(start, end - start)) == std::string_view::npos) {
      context.problem({}, "not well-formed UTF-8", place_of(text, start));
      return false;
    }
    start = end + 1;
  }
  return false;
}

}  // namespace

bool read_yaml(FileContext& context, std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!check_characters(context, text)) return false;
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    int last_start = -1;
    for (;;) {
      Events events(context, last_start);
      if (!parser.HandleNextDocument(events)) return true;
      if (!events.builder().done()) continue;  // nothing between two "---"
      const auto table = events.builder().table();
      table->sort();
      const auto index_of = [&](std::string prefix) { return PositionIndex(table, std::move(prefix)); };
      collect_documents(context, events.builder(), index_of, table.get());
      if (context.problems.size() >= kMaxProblems || context.budget.documents > context.budget.limits.documents)
        return false;
    }
  } catch (const Stop&) {
    return false;
  } catch (const YAML::Exception& e) {
    context.problem({}, "not YAML: " + e.msg, e.mark.is_null() ? Place{} : place_at(e.mark));
    return false;
  } catch (const std::exception& e) {
    context.problem({}, std::string("not YAML: ") + e.what(), Place{});
    return false;
  }
}

}  // namespace jl::text

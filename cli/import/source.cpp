#include "cli/import/source.hpp"

#include "common/base/words.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace jl::cli::jetlinks {
namespace {

constexpr int kMostWrappers = 4;  // an answer, its page, and room for what proxies add

bool only_has(const json::object& object, std::span<const std::string_view> keys) {
  return std::ranges::all_of(object, [&](const auto& member) {
    return std::ranges::find(keys, std::string_view(member.key())) != keys.end();
  });
}

// The content of an answer of the REST API; nullptr when the object is none.
json::value* content_of_answer(json::object& object) {
  static constexpr std::array<std::string_view, 8> kKeys{"result",    "status",    "message", "code",
                                                         "timestamp", "requestId", "success", "traceId"};
  json::value* result = object.if_contains("result");
  return result && result->is_structured() && only_has(object, kKeys) ? result : nullptr;
}

// The list of a page; nullptr when the object is none.
json::value* list_of_page(json::object& object) {
  static constexpr std::array<std::string_view, 7> kKeys{"data",  "pageIndex", "pageSize", "total",
                                                         "pages", "current",   "hasNext"};
  json::value* data = object.if_contains("data");
  return data && data->is_array() && only_has(object, kKeys) ? data : nullptr;
}

class Apart {
 public:
  Apart(const std::string& file, std::vector<Note>& notes) : file_(file), notes_(notes) {}

  Status take(json::value& value, int wrappers) {
    if (json::array* list = value.if_array()) {
      for (json::value& item : *list) JL_CHECK(take_item(item));
      return {};
    }
    json::object* object = value.if_object();
    if (!object) return nothing("holds a " + std::string(json::to_string(value.kind())) + " where an object should be");
    return take_object(*object, wrappers);
  }

  Status take_object(json::object& object, int wrappers) {
    if (wrappers < kMostWrappers) {
      if (json::value* content = content_of_answer(object)) return take(*content, wrappers + 1);
      if (json::value* list = list_of_page(object)) {
        note_missing(object, list->get_array().size());
        return take(*list, wrappers + 1);
      }
    }
    if (object.contains("status") && object.contains("message") && !object.contains("id"))
      return nothing("is an error answer of JetLinks" + message_of(object));
    out_.push_back({file_, out_.size() + 1, std::move(object)});
    return {};
  }

  std::vector<Source> finish() { return std::move(out_); }

 private:
  Status take_item(json::value& item) {
    json::object* object = item.if_object();
    if (!object) return nothing("has a list with something else than objects in it");
    out_.push_back({file_, out_.size() + 1, std::move(*object)});
    return {};
  }

  Error nothing(const std::string& why) const {
    return {Errc::invalid, "\"" + file_ + "\" " + why, "give what JetLinks exports, or what its REST API answers"};
  }

  static std::string message_of(const json::object& object) {
    const auto* message = object.if_contains("message");
    if (!message || !message->is_string() || !is_printable_utf8(message->get_string())) return {};
    return ": " + std::string(message->get_string()).substr(0, 200);
  }

  void note_missing(const json::object& page, std::size_t here) {
    const auto* total = page.if_contains("total");
    if (!total || !total->is_int64() || total->get_int64() <= static_cast<std::int64_t>(here)) return;
    notes_.push_back({file_, "", "",
                      "is a page with " + std::to_string(here) + " of " + std::to_string(total->get_int64()) +
                          " objects; ask for all of them with \"paging\": false",
                      Severity::warning});
  }

  const std::string& file_;
  std::vector<Note>& notes_;
  std::vector<Source> out_;
};

// What manifests call a document is an object here. One problem is enough to know that the file is none.
Error not_understood(const std::string& file, const Error& error) {
  std::string why = error.problems.empty() ? error.message : error.problems.front().message;
  if (why.starts_with("a document must be")) why = "must be an object or a list of objects";
  Error out(error.code == Errc::too_large ? Errc::too_large : Errc::invalid,
            "\"" + file + "\" is not understood: " + tellable(why),
            error.hint.empty() ? "give the JSON that JetLinks exports, or that its REST API answers" : error.hint);
  if (!error.problems.empty() && error.problems.front().position) {
    Problem problem = error.problems.front();
    problem.field = tellable(problem.field.substr(0, 60));
    problem.message = tellable(why);
    out.problems = {std::move(problem)};
  }
  return out;
}

}  // namespace

Result<std::vector<Source>> take_apart(const std::string& file, std::string text, std::vector<Note>& notes,
                                       const text::ManifestLimits& limits) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (text.starts_with("PK\x03\x04") || text.starts_with("\xD0\xCF\x11\xE0")) {
    return Error(Errc::invalid, "\"" + file + "\" is a spreadsheet or archive, not JSON",
                 "devices as JSON: POST /device-instance/_query/no-paging with {\"paging\": false}");
  }
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string::npos) return Error(Errc::invalid, "\"" + file + "\" is empty");
  if (text[start] != '{' && text[start] != '[')
    return Error(Errc::invalid, "\"" + file + "\" is not JSON: it starts with neither { nor [");
  text::ReadOptions options;
  options.limits = limits;
  auto documents = text::read_manifest_text(text, file, options);
  if (!documents) return not_understood(file, documents.error());
  Apart apart(file, notes);
  for (text::ManifestDocument& document : *documents) JL_CHECK(apart.take_object(document.document, 0));
  std::vector<Source> out = apart.finish();
  if (out.empty()) return Error(Errc::invalid, "\"" + file + "\" holds no object");
  return out;
}

}  // namespace jl::cli::jetlinks

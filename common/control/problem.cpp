#include "common/control/problem.hpp"

#include <algorithm>
#include <array>

namespace jl::control {
namespace json = boost::json;

json::array problem_list(const std::vector<Problem>& problems) {
  json::array out;
  for (const Problem& p : problems) {
    json::object item{{"code", info(p.code).word}, {"field", p.field}, {"message", p.message}};
    if (!p.object.empty()) item["object"] = p.object;
    if (p.position) {
      json::object position{{"file", p.position->file}, {"line", p.position->line}};
      if (p.position->column > 0) position["column"] = p.position->column;
      item["position"] = std::move(position);
    }
    out.push_back(std::move(item));
  }
  return out;
}

json::object to_problem(const Error& error, std::string_view request_id) {
  const ErrcInfo& row = info(error.code);
  json::object out{{"type", "about:blank"},
                   {"title", row.meaning},
                   {"status", row.http_status},
                   {"code", row.word},
                   {"detail", error.message}};
  if (!error.hint.empty()) out["hint"] = error.hint;
  if (!error.field.empty()) out["field"] = error.field;
  out["retryable"] = row.retryable;
  if (!request_id.empty()) out["requestId"] = request_id;
  if (!error.problems.empty()) out["problems"] = problem_list(error.problems);
  for (const auto& [name, value] : error.members) {
    if (!out.contains(name)) out[name] = value;
  }
  return out;
}

namespace {
std::string text(const json::object& from, const char* key) {
  const auto* value = from.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}
// What to_problem writes of every error; other texts are the error's own members.
bool is_own_member(const json::object::value_type& member) {
  static constexpr std::array<std::string_view, 8> kCommon{"type", "title", "code",      "detail",
                                                           "hint", "field", "requestId", "instance"};
  return member.value().is_string() && std::ranges::find(kCommon, std::string_view(member.key())) == kCommon.end();
}
// Places in files that the daemon has read itself: those of packages.
std::optional<SourcePosition> position_of(const json::object& problem) {
  const auto* given = problem.if_contains("position");
  if (!given || !given->is_object()) return std::nullopt;
  const auto number = [&](const char* key) {
    const auto* value = given->as_object().if_contains(key);
    boost::system::error_code ec;
    const auto out = value ? value->to_number<std::uint32_t>(ec) : 0;
    return ec ? std::uint32_t{0} : out;
  };
  return SourcePosition{text(given->as_object(), "file"), number("line"), number("column")};
}
}  // namespace

Error from_problem(std::string_view body, int status) {
  boost::system::error_code ec;
  const json::value parsed = json::parse(json::string_view(body), ec);
  if (ec || !parsed.is_object() || !parsed.as_object().contains("code")) {
    return {Errc::failed, "the daemon answered " + std::to_string(status) + " without saying why"};
  }
  const json::object& o = parsed.as_object();
  Error error(errc_from_word(text(o, "code")).value_or(Errc::failed), text(o, "detail"), text(o, "hint"),
              text(o, "field"));
  for (const auto& member : o) {
    if (is_own_member(member)) error.members.emplace_back(member.key(), member.value().get_string());
  }
  if (const auto* list = o.if_contains("problems"); list && list->is_array()) {
    for (const auto& item : list->as_array()) {
      if (!item.is_object()) continue;
      const json::object& p = item.as_object();
      error.problems.push_back({text(p, "field"), text(p, "message"),
                                errc_from_word(text(p, "code")).value_or(Errc::invalid), text(p, "object"),
                                position_of(p)});
    }
  }
  return error;
}

}  // namespace jl::control

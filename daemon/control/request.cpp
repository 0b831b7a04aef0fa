#include "daemon/control/request.hpp"

#include "common/base/words.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace jl::control {
namespace {
namespace json = boost::json;

Error bad(std::string message, std::string hint = {}) {
  return {Errc::bad_request, std::move(message), std::move(hint)};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// nullopt: a percent sign that does not begin "%XX" (RFC 3986 2.1).
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// "http://anything/v1/status" -> "/v1/status"; the authority means nothing on a Unix socket.
std::string_view without_authority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !iequals(target.substr(0, scheme.size()), scheme)) continue;
    const auto slash = target.find_first_of("/?", scheme.size());
    return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  return target;
}

Status parse_query(std::string_view text, Query& out) {
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (out.size() >= kMaxParameters) return bad("the query has more than 64 parameters");
    const auto equals = std::min(pair.find('='), pair.size());
    auto key = percent_decoded(pair.substr(0, equals));
    auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!key || !value) return bad("the query has a percent sign without two hex digits");
    if (key->empty() || !is_printable_utf8(*key) || !is_printable_utf8(*value)) {
      return bad("the query has a parameter that is not readable text");
    }
    out.emplace(std::move(*key), std::move(*value));
  }
  return {};
}

struct Parameter {
  std::string key;
  bool repeats = false;
};

// Parameters that belong to a path rather than to a flag of jlctl.
std::vector<Parameter> parameters_of(const Command& command) {
  std::vector<Parameter> out;
  for (const Flag& flag : command.flags) {
    if (flag.where == Where::query) out.push_back({flag.key, flag.repeated});
  }
  for (const Argument& argument : command.arguments) {
    if (!argument.query.empty()) out.push_back({argument.query, argument.repeated});
  }
  if (command.path == "/v1/names") out.insert(out.end(), {{"kind", true}, {"prefix"}, {"limit"}});
  return out;
}

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    out.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return out;
}

constexpr std::array<std::string_view, 6> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

}  // namespace

Result<Target> parse_target(std::string_view target) {
  const auto printable = [](char c) { return c > ' ' && c <= '~' && c != '#'; };
  if (target.empty() || !std::ranges::all_of(target, printable)) return bad("the request target is not a URL path");
  target = without_authority(target);
  const auto mark = std::min(target.find('?'), target.size());
  Target out;
  out.path = target.substr(0, mark);
  if (!out.path.starts_with('/')) return bad("the request target is not a URL path");
  if (!percent_decoded(out.path)) return bad("the path has a percent sign without two hex digits");
  JL_CHECK(parse_query(target.substr(std::min(mark + 1, target.size())), out.query));
  return out;
}

Status check_query(const Command& command, const Query& query) {
  if (query.empty()) return {};
  const std::vector<Parameter> known = parameters_of(command);
  for (auto it = query.begin(); it != query.end(); it = query.upper_bound(it->first)) {
    const auto& key = it->first;
    const auto found = std::ranges::find(known, key, &Parameter::key);
    if (found == known.end()) {
      std::vector<std::string> words;
      for (const auto& parameter : known) words.push_back(parameter.key);
      const std::string near = nearest_word(key, words);
      Error error = bad("unknown query parameter \"" + key + "\"", !near.empty()   ? "did you mean \"" + near + "\"?"
                                                                   : words.empty() ? "this call takes none"
                                                                                   : "this call takes " + join(words));
      error.field = key;
      return error;
    }
    if (!found->repeats && query.count(key) > 1) {
      Error error = bad("the query parameter \"" + key + "\" is there twice");
      error.field = key;
      return error;
    }
  }
  return {};
}

std::string nearest_path(std::string_view path) {
  const auto given = segments(path);
  std::vector<std::string> candidates;
  for (const Command& command : commands()) {
    if (command.path.empty()) continue;
    const auto wanted = segments(command.path);
    if (wanted.size() != given.size()) continue;
    std::string candidate;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      (candidate += '/') += wanted[i] == "{id}" ? given[i] : wanted[i];
    }
    candidates.push_back(std::move(candidate));
  }
  return nearest_word(path, candidates);
}

std::string allowed_methods(std::string_view path) {
  std::string out;
  for (const auto method : kMethods) {
    if (!route(method, path).command) continue;
    if (!out.empty()) out += ", ";
    out += method;
  }
  return out;
}

BodyParser::BodyParser(std::size_t max_values)
    : parser_({},
              [] {
                json::parse_options options;
                options.max_depth = kMaxDepth;
                return options;
              }()),
      max_values_(max_values) {}

Status BodyParser::count_values(std::string_view piece) {
  for (const char c : piece) {
    if (in_string_) {
      if (is_escaped_) {
        is_escaped_ = false;
      } else if (c == '\\') {
        is_escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == ',' || c == '[' || c == '{') {
      ++values_;
    }
  }
  if (values_ <= max_values_) return {};
  return Error(Errc::too_large, "the body holds more than " + std::to_string(max_values_) + " values");
}

void BodyParser::advance(std::string_view consumed) {
  for (const char c : consumed) {
    if (c == '\n') {
      ++line_;
      column_ = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0u) != 0x80) {
      ++column_;
    }
  }
}

Error BodyParser::syntax_error(std::string_view what) const {
  Problem problem{{}, std::string(what), Errc::bad_request};
  problem.position = SourcePosition{"body", line_, column_};
  Error error = bad("the body is not a JSON object: " + problem.message + " at line " + std::to_string(line_) +
                    ", column " + std::to_string(column_));
  error.problems.push_back(std::move(problem));
  return error;
}

Status BodyParser::feed(std::string_view piece) {
  if (piece.empty()) return {};
  has_bytes_ = true;
  JL_CHECK(count_values(piece));
  boost::system::error_code ec;
  try {
    const std::size_t consumed = parser_.write_some(piece.data(), piece.size(), ec);
    advance(piece.substr(0, consumed));
    if (!ec && consumed < piece.size()) ec = json::error::extra_data;
  } catch (const std::bad_alloc&) {
    return Error(Errc::too_large, "the body does not fit into memory");
  }
  if (ec) return syntax_error(ec.message());
  return {};
}

Result<json::object> BodyParser::finish() {
  if (!has_bytes_) return json::object();
  boost::system::error_code ec;
  parser_.finish(ec);
  if (ec) return syntax_error(ec.message());
  json::value value = parser_.release();
  if (!value.is_object()) return bad("the body is not a JSON object", "send {\"key\": value, ...}");
  return std::move(value.get_object());
}

}  // namespace jl::control

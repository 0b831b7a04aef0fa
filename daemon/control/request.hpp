#pragma once
// A request's target and body as hostile bytes, taken apart and checked. Pure: no sockets, no Asio.
#include "common/base/result.hpp"
#include "common/control/commands.hpp"

#include <boost/json.hpp>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace jl::control {

using Query = std::multimap<std::string, std::string, std::less<>>;

inline constexpr std::size_t kMaxParameters = 64;     ///< ?a=1&b=2 is two
inline constexpr std::size_t kMaxDepth = 64;          ///< of arrays and objects in a body
inline constexpr std::size_t kMaxValues = 8'000'000;  ///< in a body: what JSON may grow to in memory

struct Target {
  std::string path;  ///< as sent, percent-encoding checked and kept
  Query query;       ///< decoded; "+" is a plus sign (RFC 3986); values are UTF-8 without control characters
};

/// Takes an origin-form or absolute-form target apart (RFC 9112 3.2). Errors: bad_request.
[[nodiscard]] Result<Target> parse_target(std::string_view target);

/// Whether the command knows every parameter and none is there twice that may not be. Errors: bad_request, which names
/// the nearest known one.
[[nodiscard]] Status check_query(const Command& command, const Query& query);

/// The path of the API that is nearest to a mistyped one, with its id; "" when none is near.
[[nodiscard]] std::string nearest_path(std::string_view path);
/// The methods that a path takes: "GET, POST"; "" for an unknown one.
[[nodiscard]] std::string allowed_methods(std::string_view path);

/// A JSON object that arrives piece by piece.
class BodyParser {
 public:
  explicit BodyParser(std::size_t max_values = kMaxValues);
  /// Takes the next piece. After an error it takes no more. Errors: bad_request with line and column (from 1, in
  /// characters), too_large (more than max_values values).
  [[nodiscard]] Status feed(std::string_view piece);
  /// The object, after the last piece; no body at all is an empty one. Errors: bad_request.
  [[nodiscard]] Result<boost::json::object> finish();

 private:
  [[nodiscard]] Status count_values(std::string_view piece);
  void advance(std::string_view consumed);
  [[nodiscard]] Error syntax_error(std::string_view what) const;

  boost::json::stream_parser parser_;
  std::size_t max_values_;
  std::size_t values_ = 0;
  std::uint32_t line_ = 1, column_ = 1;
  bool has_bytes_ = false, in_string_ = false, is_escaped_ = false;
};

}  // namespace jl::control

#pragma once
// Plain (unquoted) YAML scalars, by the core schema of YAML 1.2 section 10.3.2.
#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace jl::text {

struct PlainScalar {
  enum class Kind { text, null, boolean, integer, real, unusable };
  Kind kind = Kind::text;
  boost::json::value value{};  ///< of all kinds but unusable
  const char* trouble = "";    ///< why unusable: .nan, .inf, numbers that no JSON number holds exactly enough
};

/// What an unquoted scalar means. "yes", "no", "on" and "off" are texts; 0o17 and 0x1F are integers; 0123 is 123.
[[nodiscard]] PlainScalar read_plain_scalar(std::string_view text);

/// Whether an integer is written with zeros in front: 0123, -007. Often an id that somebody forgot to quote.
[[nodiscard]] bool has_leading_zero(std::string_view text);

}  // namespace jl::text

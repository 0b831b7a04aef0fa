#pragma once
// Short ways to write documents and problems in the model's tests.
#include "common/model/resource.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <boost/json.hpp>
#include <string>
#include <vector>

namespace jl::model {

/// JSON written with ' for ".
inline json::value js(std::string text) {
  std::ranges::replace(text, '\'', '"');
  return json::parse(text);
}

inline Resource read(const char* kind, const std::string& document, std::vector<Problem>& problems) {
  const Kind* found = find_kind(kind);
  REQUIRE(found);
  return read_resource(*found, js(document).as_object(), problems);
}

/// A document that must be right.
inline Resource read(const char* kind, const std::string& document) {
  std::vector<Problem> problems;
  Resource out = read(kind, document, problems);
  for (const Problem& problem : problems) FAIL_CHECK(problem.field << ": " << problem.message);
  return out;
}

/// "field word" of every problem.
inline std::vector<std::string> brief(const std::vector<Problem>& problems) {
  std::vector<std::string> out;
  for (const Problem& problem : problems) out.push_back(problem.field + " " + std::string(info(problem.code).word));
  return out;
}

inline std::vector<std::string> problems_of(const char* kind, const std::string& document) {
  std::vector<Problem> problems;
  (void)read(kind, document, problems);
  return brief(problems);
}

using Briefs = std::vector<std::string>;

}  // namespace jl::model

#pragma once
// The schema of the kinds as GET /v1/schema answers it, made from jlctl's own tables for explain --offline.
#include <boost/json.hpp>

namespace jl::cli {

/// {"kinds":[{"name","plural","zh","summary","description","fields":[...]}]}
[[nodiscard]] boost::json::object own_schema();

}  // namespace jl::cli

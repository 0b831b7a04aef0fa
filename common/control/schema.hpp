#pragma once
// The field tables as one document: GET /v1/schema, and what `jlctl explain --offline` reads.
#include <boost/json.hpp>

namespace jl::control {

/// {"kinds":[{"name","plural","zh","summary","description","enabledByDefault","fields":[{"path","type","help",...}]}]}
[[nodiscard]] boost::json::object schema_document();

}  // namespace jl::control

#pragma once
// One object for people: what it is and how it is first, then everything else as "key: value", lists as tables below.
#include "cli/output/table.hpp"

#include <boost/json.hpp>

namespace jl::cli {

void write_object(Sink& sink, const TableStyle& style, const boost::json::value& data);

}  // namespace jl::cli

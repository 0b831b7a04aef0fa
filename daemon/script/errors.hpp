#pragma once
// What a script threw, as one line.
#include "daemon/script/js.hpp"

#include <string>

namespace jl::script {

/// Takes the pending exception: "NAME:LINE:COLUMN: TypeError: x is undefined", at most 512 bytes of valid UTF-8,
/// without control characters. Runs none of the script's code.
std::string describe_exception(JSContext* cx, const std::string& name);
/// At most `most` bytes of `text`, cut between characters; control characters become spaces.
std::string one_line(std::string_view text, std::size_t most);
/// Throws a JavaScript Error with this text; false, for natives to return.
bool throw_error(JSContext* cx, const std::string& message);
/// As above: a RangeError, a TypeError.
bool throw_range(JSContext* cx, const std::string& message);
bool throw_type(JSContext* cx, const std::string& message);

}  // namespace jl::script

#pragma once
// What the flags of add and edit say of an object, put into its document.
#include "cli/context.hpp"

#include <boost/json.hpp>

namespace jl::cli {

/// Whether the document says only what changes: that of edit.
[[nodiscard]] bool is_patch(const Context& context);

/// Where a kind takes an uploaded package, --file may name that as well as a document: a zip archive is no document.
/// Images of firmware may be anything, also text; they have --image. The flag that it then stands for, or nullptr.
[[nodiscard]] const FlagInfo* package_flag(const Context& context);

/// Sets what the flags name, over what is there already; files that fields stand for are uploaded last. Of a new object
/// the secrets that it needs and nobody gave are asked for. Errors: usage, those of files and of the daemon.
[[nodiscard]] Status fill_from_flags(Context& context, json::object& out);

}  // namespace jl::cli

#pragma once
// How the data of each command looks: its word in JSON documents, its columns, its id, the fields one may ask for.
#include "common/control/commands.hpp"

#include <string>
#include <vector>

namespace jl::cli {

struct View {
  std::string kind;                        ///< of one object: "network", "accessRecord"
  std::vector<model::Column> columns{};    ///< of tables
  std::string id = "id";                   ///< path of what -q and -o name print
  std::string id_prefix{};                 ///< -o name: "network/"
  std::vector<std::string> more_fields{};  ///< legal in --fields besides the columns; "status." allows all below
};

[[nodiscard]] View view_of(const control::Command& command);
/// Resources of a kind, whatever the command.
[[nodiscard]] View view_of(const model::Kind& kind);

}  // namespace jl::cli

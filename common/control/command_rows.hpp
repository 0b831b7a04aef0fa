#pragma once
// Short ways to write rows of the command table, for the files that hold them.
#include "common/control/commands.hpp"

#include <string>
#include <utility>
#include <vector>

namespace jl::control {

inline Flag query(std::string name, std::string value, std::string help) {
  return {std::move(name), std::move(value), std::move(help)};
}
inline Flag local(std::string name, std::string value, std::string help) {
  return {std::move(name), std::move(value), std::move(help), Where::local};
}
inline Flag choice(std::string name, std::vector<std::string> words, std::string help) {
  Flag f{std::move(name), "WORD", std::move(help)};
  f.words = std::move(words);
  return f;
}

/// A verb of a kind.
[[nodiscard]] Command generic(const model::Kind& kind, std::string verb, std::string summary);

// The verbs that these kinds have besides those of every kind.
void add_cert(std::vector<Command>& out);
void add_network(std::vector<Command>& out);
void add_protocol(std::vector<Command>& out);
void add_package(std::vector<Command>& out);
void add_device(std::vector<Command>& out);
void add_modbus(std::vector<Command>& out);
void add_media(std::vector<Command>& out);
void add_ota(std::vector<Command>& out);

/// Flags of their own that adding a task, or a firmware, takes.
void add_task_flags(Command& add);
void add_firmware_flags(Command& add);

/// How files get to the daemon: no verbs, but what those of other nouns call.
void add_files(std::vector<Command>& out);

/// What brings configurations of other systems here.
void add_import(std::vector<Command>& out);

}  // namespace jl::control

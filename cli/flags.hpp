#pragma once
// Every flag of a verb in one list: jlctl's own, the verb's, and those that the fields of its kind give to add and
// edit. Parsing, help, completion and man pages read this list.
#include "common/control/commands.hpp"
#include "common/model/field.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jl::cli {

/// A list of texts: its flag may repeat, one text each.
[[nodiscard]] inline bool is_text_list(const model::Field& field) {
  return field.type == model::Type::list && field.table == nullptr;
}

/// What a flag stands for.
enum class FlagUse : std::uint8_t {
  global,             ///< a flag of every verb
  command,            ///< a flag of this verb (`flag`)
  field,              ///< sets the field at `path`
  field_off,          ///< sets the boolean at `path` to false: --no-secure, --disabled
  entry,              ///< KEY=VALUE into the map at `path`
  file,               ///< the content of a file into the field at `path`
  secret_file,        ///< the secret at `path` (or KEY= of the map) from a file
  secret_stdin,       ///< from standard input, or typed without echo
  secret_fd,          ///< from an open descriptor
  secret_credential,  ///< from $CREDENTIALS_DIRECTORY
};

struct FlagInfo {
  FlagUse use = FlagUse::global;
  std::string name;     ///< without dashes
  std::string value{};  ///< placeholder; "" = no value
  std::string help{};
  char short_name = 0;
  bool repeated = false;
  std::vector<std::string> words{};  ///< legal values
  std::string completes{};           ///< kind whose ids complete the value
  std::string path{};                ///< field flags: of the document, "spec.configuration.port"
  std::string when{};                ///< field flags: "type=MQTT_SERVER" when only that variant has it
  const control::Flag* flag = nullptr;
  const model::Field* field = nullptr;

  [[nodiscard]] bool takes_value() const { return !value.empty(); }
  [[nodiscard]] bool is_secret() const { return use >= FlagUse::secret_file; }
};

/// The flags of a verb: its own first, then those of its fields, then the global ones. No name occurs twice.
[[nodiscard]] std::vector<FlagInfo> flags_of(const control::Command& command);
/// The global flags alone.
[[nodiscard]] std::vector<FlagInfo> global_flag_infos();
/// The flag of a name, if there is one.
[[nodiscard]] const FlagInfo* find_flag(const std::vector<FlagInfo>& flags, std::string_view name);

}  // namespace jl::cli

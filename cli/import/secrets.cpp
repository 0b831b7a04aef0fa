// What an export does not say although it names it: masked secrets, and expressions that 1.x filled in when it started.
#include "cli/import/conversion.hpp"
#include "cli/import/ids.hpp"
#include "cli/import/values.hpp"

namespace jl::cli::jetlinks {

json::object with_secrets_from_environment(Conversion& conversion, const Draft& draft, const std::string& path,
                                           const json::object& given) {
  json::object out;
  for (const auto& [key, value] : given) {
    if (value.is_null()) continue;
    const std::string text = value.is_string() ? std::string(value.get_string()) : std::string();
    if (!is_masked(text) && !is_expression(text)) {
      out[key] = value;
      continue;
    }
    const std::string name = variable_for(draft.kind->name, draft.id, key);
    const char* what = is_masked(text) ? "the export masks it" : "an expression of JetLinks";
    conversion.note(draft, path + "." + std::string(key), std::string(what) + "; set " + name + " for jlctl apply");
    out[key] = json::object{{"fromEnv", name}};
  }
  return out;
}

}  // namespace jl::cli::jetlinks

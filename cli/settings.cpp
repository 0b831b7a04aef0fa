#include "cli/settings.hpp"

#include "cli/output/format.hpp"
#include "common/base/time.hpp"
#include "common/base/words.hpp"
#include "common/control/api.hpp"
#include "common/text/manifest.hpp"

#include <unistd.h>

#include <cctype>

namespace jl::cli {
namespace {

std::array<Setting*, 4> each(Settings& settings) {
  return {&settings.socket, &settings.output, &settings.timeout, &settings.color};
}

Status check(const Setting& setting) {
  const auto wrong = [&](const std::string& what) {
    return Error(Errc::usage, setting.name + ": \"" + setting.value + "\" " + what + " (" + setting.origin + ")");
  };
  if (setting.name == "timeout" && !parse_duration(setting.value)) return wrong("is not a duration such as 30s");
  if (setting.name == "color" && setting.value != "auto" && setting.value != "always" && setting.value != "never") {
    return wrong("is none of auto, always, never");
  }
  if (setting.name == "output" && !parse_format(setting.value)) {
    return wrong("is none of table, wide, json, jsonl, yaml, name, value=FIELD");
  }
  if (setting.name == "socket" && setting.value.empty()) return wrong("is empty");
  return {};
}

Status read_file(Settings& settings, const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return {};
  auto documents = text::read_manifests({path});
  if (!documents) return Error(Errc::usage, "\"" + path + "\" cannot be read: " + documents.error().message);
  for (const text::ManifestDocument& document : *documents) {
    for (const auto& [key, value] : document.document) {
      const auto position = document.position_of(key);
      const std::string at = path + ":" + std::to_string(position ? position->line : 1);
      Setting* setting = nullptr;
      std::vector<std::string> names;
      for (Setting* candidate : each(settings)) {
        names.push_back(candidate->name);
        if (candidate->name == key) setting = candidate;
      }
      if (!setting) {
        const std::string nearest = nearest_word(key, names);
        return Error(Errc::usage, at + ": unknown setting \"" + std::string(key) + "\"",
                     nearest.empty() ? "settings are " + join(names) : "did you mean \"" + nearest + "\"?");
      }
      if (value.is_structured() || value.is_null())
        return Error(Errc::usage, at + ": " + setting->name + " must be a text");
      setting->value = value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
      setting->origin = at;
    }
  }
  return {};
}

std::string user_file(const Environment& env) {
  std::string base = env.variable_or_empty("XDG_CONFIG_HOME");
  // The XDG specification: a relative path is to be ignored.
  if (!base.starts_with('/')) {
    const std::string home = env.variable_or_empty("HOME");
    if (!home.starts_with('/')) return {};
    base = home + "/.config";
  }
  return base + "/jlctl/config.yaml";
}

std::string upper(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

Status read_flags(Settings& settings, const Invocation& invocation) {
  for (Setting* setting : each(settings)) {
    if (const auto given = invocation.value(setting->name)) {
      setting->value = *given;
      setting->origin = "flag --" + setting->name;
    }
  }
  if (invocation.has("json")) {
    if (invocation.has("output") && settings.output.value != "json") {
      return Error(Errc::usage, "--json and --output " + settings.output.value + " contradict each other");
    }
    settings.output.value = "json";
    settings.output.origin = "flag --json";
  }
  return {};
}

}  // namespace

std::chrono::milliseconds Settings::time_limit() const { return duration_or(timeout.value, std::chrono::seconds(30)); }

std::chrono::milliseconds duration_or(std::string_view text, std::chrono::milliseconds fallback) {
  const auto parsed = parse_duration(text);
  return parsed ? *parsed : fallback;
}

Result<Settings> load_settings(const Environment& env, const Invocation* invocation, const std::string& system_file) {
  Settings settings;
  settings.socket.value = control::kDefaultSocket;
  JL_CHECK(read_file(settings, system_file));
  if (const std::string path = user_file(env); !path.empty()) JL_CHECK(read_file(settings, path));
  for (Setting* setting : each(settings)) {
    const std::string name = "JLCTL_" + upper(setting->name);
    if (const auto value = env.variable(name.c_str()); value && !value->empty()) {
      setting->value = *value;
      setting->origin = "environment " + name;
    }
  }
  if (invocation) JL_CHECK(read_flags(settings, *invocation));
  for (const Setting* setting : settings.all()) JL_CHECK(check(*setting));
  return settings;
}

}  // namespace jl::cli

#include "daemon/config.hpp"

#include "common/base/words.hpp"
#include "common/text/manifest.hpp"

#include <fcntl.h>
#include <grp.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>

namespace jl {
namespace json = boost::json;
namespace {

class ConfigReader {
 public:
  ConfigReader(const text::ManifestDocument& document, std::vector<Problem>& problems)
      : document_(document), problems_(problems) {}

  // Fails on members that are not in the list, with the nearest that is.
  void known(const json::object& object, const std::string& path, const std::vector<std::string>& names) {
    for (const auto& [key, value] : object) {
      if (std::ranges::find(names, key) != names.end()) continue;
      const std::string nearest = nearest_word(key, names);
      problem(join_path(path, key), nearest.empty() ? "unknown setting; known are " + join(names)
                                                    : "unknown setting; did you mean \"" + nearest + "\"?");
    }
  }

  const json::object* section(const json::object& from, const char* key, const std::string& path) {
    const auto* value = from.if_contains(key);
    if (!value || value->is_null()) return nullptr;
    if (value->is_object()) return &value->as_object();
    problem(join_path(path, key), "must be a group of settings");
    return nullptr;
  }

  void text(const json::object& from, const char* key, const std::string& path, std::string& out) {
    const auto* value = from.if_contains(key);
    if (!value || value->is_null()) return;
    if (value->is_string()) {
      out = value->as_string().c_str();
    } else {
      problem(join_path(path, key), "must be a text");
    }
  }

  void integer(const json::object& from, const char* key, const std::string& path, std::int64_t min, std::int64_t max,
               std::int64_t& out) {
    const auto* value = from.if_contains(key);
    if (!value || value->is_null()) return;
    if (value->is_int64() && value->as_int64() >= min && value->as_int64() <= max) {
      out = value->as_int64();
    } else {
      problem(join_path(path, key), fmt::format("must be a whole number, {} to {}", min, max));
    }
  }

  template <class E>
  void word(const json::object& from, const char* key, const std::string& path,
            const std::vector<std::pair<std::string, E>>& words, E& out) {
    const auto* value = from.if_contains(key);
    if (!value || value->is_null()) return;
    std::vector<std::string> names;
    for (const auto& [name, meaning] : words) {
      if (value->is_string() && iequals(value->as_string(), name)) {
        out = meaning;
        return;
      }
      names.push_back(name);
    }
    problem(join_path(path, key), "must be one of " + join(names));
  }

  std::vector<std::string> names(const json::object& from, const char* key, const std::string& path) {
    std::vector<std::string> out;
    const auto* value = from.if_contains(key);
    if (!value || value->is_null()) return out;
    if (!value->is_array()) {
      problem(join_path(path, key), "must be a list of names or numbers");
      return out;
    }
    for (const auto& item : value->as_array()) {
      if (item.is_string()) {
        out.emplace_back(item.as_string());
      } else if (item.is_int64()) {
        out.push_back(std::to_string(item.as_int64()));
      } else {
        problem(join_path(path, key), "must be a list of names or numbers");
      }
    }
    return out;
  }

  void problem(const std::string& field, std::string message) {
    problems_.push_back({field, std::move(message), Errc::invalid, {}, document_.position_of(field)});
  }

  static std::string join_path(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }

 private:
  const text::ManifestDocument& document_;
  std::vector<Problem>& problems_;
};

void read_roles(ConfigReader& reader, const json::object& root, Config& out) {
  const json::object* roles = reader.section(root, "roles", "");
  if (!roles) return;
  reader.known(*roles, "roles", {"viewer", "operator", "admin"});
  for (const auto role : {control::Role::viewer, control::Role::operator_, control::Role::admin}) {
    const std::string name(control::to_string(role));
    const json::object* rule = reader.section(*roles, name.c_str(), "roles");
    if (!rule) continue;
    const std::string path = "roles." + name;
    reader.known(*rule, path, {"users", "groups"});
    out.roles.rules.push_back({role, reader.names(*rule, "users", path), reader.names(*rule, "groups", path)});
  }
}

void read_logs(ConfigReader& reader, const json::object& root, Config& out) {
  static const std::vector<std::pair<std::string, log::Level>> levels{{"debug", log::Level::debug},
                                                                      {"info", log::Level::info},
                                                                      {"warn", log::Level::warn},
                                                                      {"error", log::Level::error}};
  if (const json::object* log = reader.section(root, "log", "")) {
    reader.known(*log, "log", {"level", "stored", "retention"});
    reader.word(*log, "level", "log", levels, out.log_level);
    reader.word(*log, "stored", "log", levels, out.stored_level);
    if (const json::object* retention = reader.section(*log, "retention", "log")) {
      reader.known(*retention, "log.retention", {"days", "maxMb"});
      reader.integer(*retention, "days", "log.retention", 0, 36'500, out.log_days);
      reader.integer(*retention, "maxMb", "log.retention", 0, 1'000'000, out.log_megabytes);
    }
  }
  if (const json::object* message = reader.section(root, "message", "")) {
    reader.known(*message, "message", {"durability", "retention"});
    static const std::vector<std::pair<std::string, device::Durability>> words{{"kill", device::Durability::kill},
                                                                               {"sync", device::Durability::sync}};
    reader.word(*message, "durability", "message", words, out.durability);
    if (const json::object* retention = reader.section(*message, "retention", "message")) {
      reader.known(*retention, "message.retention", {"days", "perDevice"});
      reader.integer(*retention, "days", "message.retention", 0, 36'500, out.message_days);
      reader.integer(*retention, "perDevice", "message.retention", 0, 1'000'000'000, out.messages_per_device);
    }
  }
}

std::string host_name() {
  std::array<char, 256> buffer{};
  if (gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
  return buffer.data();
}

}  // namespace

Result<Config> read_config(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) {
    return Error(Errc::not_found, "configuration file \"" + path + "\" cannot be read: " + std::strerror(errno),
                 "give another with --config FILE; see jlinkd.yaml(5)");
  }
  JL_TRY(const auto documents, text::read_manifests({path}));
  Config out;
  out.node_id = host_name();
  if (getgrnam("jlinkd")) out.socket_group = "jlinkd";
  if (documents.empty()) return out;
  if (documents.size() > 1)
    return Error(Errc::invalid, "configuration file \"" + path + "\" holds more than one document");

  std::vector<Problem> problems;
  ConfigReader reader(documents.front(), problems);
  const json::object& root = documents.front().document;
  reader.known(root, "", {"node", "stateDir", "control", "roles", "threads", "message", "log", "command"});
  if (const json::object* node = reader.section(root, "node", "")) {
    reader.known(*node, "node", {"id"});
    reader.text(*node, "id", "node", out.node_id);
  }
  if (out.node_id.empty() || out.node_id.size() > 64 || !is_printable_utf8(out.node_id))
    reader.problem("node.id", "must be printable text of 1 to 64 bytes");
  reader.text(root, "stateDir", "", out.state_dir);
  if (!out.state_dir.starts_with('/')) reader.problem("stateDir", "must be an absolute path");
  if (const json::object* control = reader.section(root, "control", "")) {
    reader.known(*control, "control", {"socket", "group"});
    reader.text(*control, "socket", "control", out.socket);
    reader.text(*control, "group", "control", out.socket_group);
    if (!out.socket.starts_with('/')) reader.problem("control.socket", "must be an absolute path");
  }
  std::int64_t threads = 0;
  reader.integer(root, "threads", "", 0, 256, threads);
  out.threads = static_cast<std::size_t>(threads);
  read_roles(reader, root, out);
  read_logs(reader, root, out);
  if (const json::object* command = reader.section(root, "command", "")) {
    reader.known(*command, "command", {"timeout"});
    std::string text;
    reader.text(*command, "timeout", "command", text);
    if (!text.empty()) {
      const auto duration = parse_duration(text);
      if (duration && duration->count() >= 100 && duration->count() <= 3'600'000) {
        out.command_timeout = duration->count();
      } else {
        reader.problem("command.timeout", "must be a duration from 100ms to 1h, such as 10s");
      }
    }
  }
  if (!problems.empty()) return error_from_problems(std::move(problems));
  return out;
}

}  // namespace jl

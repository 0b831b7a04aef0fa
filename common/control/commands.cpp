#include "common/control/commands.hpp"

#include "common/base/words.hpp"
#include "common/control/command_rows.hpp"

#include <array>

namespace jl::control {
using model::Kind;

Command generic(const Kind& kind, std::string verb, std::string summary) {
  Command c;
  c.noun = kind.noun();
  c.verb = std::move(verb);
  c.summary = std::move(summary);
  c.kind = &kind;
  return c;
}

namespace {

// "max-disconnect" -> "maxDisconnect"
std::string camel_case(std::string_view kebab) {
  std::string out;
  bool upper = false;
  for (const char c : kebab) {
    if (c == '-') {
      upper = true;
    } else {
      out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  return out;
}

void finish(Command& c) {
  if (c.mutates) {
    c.flags.push_back(query("if-revision", "N", "only if the object still has this revision"));
    c.flags.push_back(
        query("request-id", "ID", "makes a retry safe: the same id and request give the same answer for 24 h"));
  }
  if (c.dangerous) {
    c.flags.push_back(local("yes", "", "do not ask"));
    c.flags.back().short_name = 'y';
  }
  for (Flag& f : c.flags) {
    if (f.key.empty()) f.key = camel_case(f.name);
  }
}

// "networks", "modbus points".
std::string nouns_of(const Kind& kind) { return kind.words.empty() ? kind.plural : kind.words + "s"; }

// "a network", "an ota task".
std::string with_article(const std::string& noun) {
  const bool vowel = std::string_view("aeio").find(noun.front()) != std::string_view::npos;  // "a user"
  return (vowel ? "an " : "a ") + noun;
}

// enable and disable.
void add_switch(std::vector<Command>& out, const Kind& kind, const std::string& base, const std::string& sample) {
  const std::string jlctl = "jlctl " + kind.noun() + " ";
  const Argument ids{"ID", "ids", kind.name, false, true};

  Command enable = generic(kind, "enable", "enable " + nouns_of(kind) + "; answers when they run, or changes nothing");
  enable.method = "POST", enable.path = base + "/{id}/enable", enable.role = Role::operator_, enable.mutates = true;
  enable.arguments = {ids};
  enable.examples = {jlctl + "enable " + sample};
  out.push_back(std::move(enable));

  Command disable = generic(kind, "disable", "disable " + nouns_of(kind));
  disable.method = "POST", disable.path = base + "/{id}/disable", disable.role = Role::operator_,
  disable.mutates = true, disable.dangerous = true;
  disable.arguments = {ids};
  disable.flags = {query("max-disconnect", "N", "refuse if more live device sessions than this would be cut")};
  if (kind.name == "protocol") disable.flags.push_back(query("force", "", "disable the gateways that use it as well"));
  disable.examples = {jlctl + "disable " + sample + " --yes"};
  out.push_back(std::move(disable));
}

// Whether a package can be given where a document can.
bool takes_packages(const Kind& kind) { return kind.name == "protocol"; }

void add_generic(std::vector<Command>& out, const Kind& kind) {
  const std::string base = "/v1/" + kind.plural;
  const std::string jlctl = "jlctl " + kind.noun() + " ";
  const std::string sample(std::string_view(kind.add_example).substr(0, kind.add_example.find(' ')));
  const Argument id{"ID", "id of the " + kind.noun(), kind.name};
  const Argument ids{"ID", "ids", kind.name, false, true};

  Command add = generic(kind, "add", "create " + with_article(kind.noun()));
  add.method = "POST", add.path = base, add.role = Role::admin, add.mutates = true, add.spec_flags = true;
  add.aliases = {"create"};
  add.arguments = {{"ID", "id of the new " + kind.noun(), ""}};
  add.flags = {
      query("if-not-exists", "", "fine if it exists with this very specification; a conflict if it differs"),
      local("file", "FILE",
            takes_packages(kind) ? "the package (a zip archive), or the document as YAML or JSON, or - for that"
                                 : "read the document from a YAML or JSON file, or - for standard input")};
  add.flags.back().short_name = 'f';
  // Key stores and long chains are larger than what other nouns need, and so are lists of devices.
  add.large_body = kind.name == "cert" || kind.name == "ota-task";
  add.examples = {jlctl + "add " + kind.add_example};
  if (kind.name == "ota-task") add_task_flags(add);
  if (kind.name == "ota-firmware") add_firmware_flags(add);
  out.push_back(std::move(add));

  Command edit = generic(kind, "edit", "change fields of " + with_article(kind.noun()));
  edit.method = "PATCH", edit.path = base + "/{id}", edit.role = Role::admin, edit.mutates = true,
  edit.spec_flags = true;
  edit.aliases = {"set"};
  edit.arguments = {id};
  edit.flags = {local("unset", "FIELD", "remove a field, back to its default"),
                local("file", "FILE",
                      takes_packages(kind) ? "another package (a zip archive), or a merge patch as YAML or JSON, or -"
                                           : "merge patch from a YAML or JSON file, or -")};
  edit.flags[0].repeated = true;
  edit.flags[1].short_name = 'f';
  edit.large_body = kind.name == "cert";
  edit.examples = {jlctl + "edit " + kind.edit_example};
  out.push_back(std::move(edit));

  Command show = generic(kind, "show", "show one or more " + nouns_of(kind) + " with their status");
  show.method = "GET", show.path = base + "/{id}";
  show.aliases = {"get"};
  show.arguments = {ids};
  if (kind.name == "cert")
    show.flags = {query("show-private", "", "private keys as well; needs the admin role, and is logged")};
  show.examples = {jlctl + "show " + sample, jlctl + "show " + sample + " -o json"};
  out.push_back(std::move(show));

  Command list = generic(kind, "list", "list " + nouns_of(kind));
  list.method = "GET", list.path = base;
  list.aliases = {"ls"};
  list.flags = {query("name", "GLOB", "only names that match, with * and ?"), query("limit", "N", "at most this many")};
  if (kind.switchable)
    list.flags.push_back(choice("enabled", {"true", "false"}, "only enabled, or only disabled ones"));
  for (const auto& filter : kind.filters) {
    const model::Field* field = kind.spec->find(filter);
    Flag f = query(field->flag, field->type == model::Type::reference ? "ID" : "WORD", "only with this " + filter);
    f.key = filter;
    f.words = model::words_of(*field);
    f.completes = field->refers_to;
    list.flags.push_back(std::move(f));
  }
  if (kind.name == "device")
    list.flags.push_back(choice("state", {"notActive", "offline", "online"}, "only devices in this state"));
  list.examples = {jlctl + "list", jlctl + "list -o json"};
  out.push_back(std::move(list));

  if (kind.switchable) add_switch(out, kind, base, sample);

  Command erase = generic(kind, "delete", "delete " + nouns_of(kind) + " for good");
  erase.method = "DELETE", erase.path = base + "/{id}", erase.role = Role::admin, erase.mutates = true,
  erase.dangerous = true;
  erase.aliases = {"rm"};
  erase.arguments = {ids};
  erase.flags = {query("if-exists", "", "fine if it does not exist"),
                 query("dry-run", "", "only say what would go: what belongs to it, and entries that name it")};
  if (kind.switchable)
    erase.flags.push_back(query("max-disconnect", "N", "refuse if more live device sessions than this would be cut"));
  erase.examples = {jlctl + "delete " + sample + " --yes"};
  out.push_back(std::move(erase));

  Command exists = generic(kind, "exists", "exit 0 if it exists, 3 if not; prints nothing");
  exists.method = "HEAD", exists.path = base + "/{id}";
  exists.arguments = {id};
  exists.examples = {jlctl + "exists " + sample};
  out.push_back(std::move(exists));

  Command impact = generic(kind, "impact",
                           kind.switchable ? "what disabling or deleting it would cut: sessions and users"
                                           : "who uses it, and would be in the way of deleting it");
  impact.method = "GET", impact.path = base + "/{id}/impact";
  impact.arguments = {id};
  impact.examples = {jlctl + "impact " + sample};
  out.push_back(std::move(impact));
}

Command top(std::string noun, std::string verb, std::string summary) {
  Command c;
  c.noun = std::move(noun);
  c.verb = std::move(verb);
  c.summary = std::move(summary);
  return c;
}

void add_log(std::vector<Command>& out) {
  const std::vector<Flag> common{
      query("since", "TIME", "not before: RFC 3339, or a duration back from now such as 1h"),
      query("until", "TIME", "before"), query("grep", "TEXT", "only records that contain the text"),
      query("limit", "N", "at most this many; default 100"), query("follow", "", "go on as new records arrive")};
  Command access = top("log", "access", "who called what, how long it took and how it ended (访问日志)");
  access.method = "GET", access.path = "/v1/logs/access";
  access.flags = common;
  access.flags.push_back(query("user", "NAME", "only calls of this user"));
  access.flags.push_back(choice("status", {"ok", "failed"}, "only calls that ended so"));
  access.flags.push_back(query("action", "GLOB", "only these commands, e.g. \"network *\""));
  access.examples = {"jlctl log access --since 1h --status failed", "jlctl log access --follow"};
  out.push_back(std::move(access));

  Command system = top("log", "system", "what the daemon itself logged, WARN and above (系统日志)");
  system.method = "GET", system.path = "/v1/logs/system";
  system.flags = common;
  system.flags.push_back(choice("level", {"DEBUG", "INFO", "WARN", "ERROR"}, "this level and above"));
  system.flags.push_back(query("logger", "GLOB", "only these loggers, e.g. \"network.*\""));
  system.examples = {"jlctl log system --level ERROR --since 1d"};
  out.push_back(std::move(system));

  Command stats = top("log", "stats", "how many records are kept, how large they are, and what was dropped");
  stats.method = "GET", stats.path = "/v1/logs/stats";
  stats.examples = {"jlctl log stats"};
  out.push_back(std::move(stats));

  Command purge = top("log", "purge", "delete records before a time");
  purge.method = "POST", purge.path = "/v1/logs/purge", purge.role = Role::admin, purge.dangerous = true;
  Flag before{"before", "TIME", "RFC 3339, or a duration back from now such as 30d", Where::body};
  purge.flags = {before};
  purge.examples = {"jlctl log purge --before 30d --yes"};
  out.push_back(std::move(purge));
}

void add_manifests(std::vector<Command>& out) {
  Flag file = local("file", "FILE", "YAML or JSON file, folder, or - for standard input; may repeat");
  file.short_name = 'f', file.repeated = true;

  Command apply = top("", "apply", "make the daemon hold what files say, in one transaction");
  apply.method = "POST", apply.path = "/v1/apply", apply.role = Role::admin, apply.mutates = true,
  apply.large_body = true;
  apply.flags = {file,
                 query("dry-run", "", "only show what would change; exit 20 if anything would"),
                 query("set", "NAME", "remember the objects as this set"),
                 query("prune", "", "delete objects of the same --set that the files no longer name"),
                 query("max-disconnect", "N", "refuse if more live device sessions than this would be cut"),
                 local("yes", "", "do not ask before pruning")};
  apply.flags.back().short_name = 'y';
  apply.examples = {"jlctl apply -f examples/fleet.yaml", "jlctl apply -f site/ --set site --prune --yes",
                    "jlctl export | jlctl apply -f -"};
  out.push_back(std::move(apply));

  Command export_ = top("", "export", "write what apply reads");
  export_.method = "GET", export_.path = "/v1/export";
  export_.arguments = {{"KIND", "kinds to export; none = all", "kind", true, true, "kind"}};
  export_.flags = {local("file", "FILE", "write to a file, 0600"),
                   query("with-secrets", "", "include secrets in clear; needs -f and the admin role, and is logged")};
  export_.flags[0].short_name = 'f';
  export_.examples = {"jlctl export > all.yaml", "jlctl export product device -f fleet.yaml"};
  out.push_back(std::move(export_));

  Command diff = top("", "diff", "what apply would change; exit 20 if anything");
  diff.method = "POST", diff.path = "/v1/diff", diff.large_body = true;
  diff.flags = {file, query("set", "NAME", "the set that apply would remember the objects as"),
                query("prune", "", "count objects of the same --set that the files no longer name as deleted"),
                local("against", "FILE", "compare with this file instead of the daemon")};
  diff.examples = {"jlctl diff -f fleet.yaml", "jlctl diff -f new.yaml --against old.yaml"};
  out.push_back(std::move(diff));

  Command validate = top("", "validate", "check files without a daemon; all problems at once, with line and column");
  validate.flags = {file};
  validate.examples = {"jlctl validate -f examples/fleet.yaml"};
  out.push_back(std::move(validate));
}

void add_rest(std::vector<Command>& out) {
  Command tail = top("message", "tail", "device messages as they arrive");
  tail.method = "GET", tail.path = "/v1/messages", tail.streams = true;
  tail.flags = {query("device", "ID", "only of this device"), query("product", "ID", "only of devices of this product"),
                query("type", "WORD", "only this message type, e.g. EVENT"),
                query("limit", "N", "end after this many")};
  tail.flags[0].completes = "device", tail.flags[1].completes = "product";
  tail.examples = {"jlctl message tail --product th-sensor", "jlctl message tail --device dev-1 --limit 1 -o json"};
  out.push_back(std::move(tail));

  Command watch = top("", "watch", "changes of resources as they are committed");
  watch.method = "GET", watch.path = "/v1/watch", watch.streams = true;
  watch.arguments = {{"KIND", "kind to watch; none = all", "kind", true, false, "kind"}};
  watch.flags = {query("limit", "N", "end after this many changes")};
  watch.examples = {"jlctl watch device -o jsonl"};
  out.push_back(std::move(watch));

  Command wait = top("", "wait", "wait until an object is as you want it");
  wait.method = "", wait.arguments = {{"KIND/ID", "the object; it need not exist yet", "object"}};
  wait.flags = {local("for", "CONDITION",
                      "exists, deleted, enabled, disabled, connected, or FIELD=VALUE such as status.state=running"),
                local("wait-timeout", "DURATION", "give up after this long (exit 8); default 60s, 0 = never")};
  wait.examples = {"jlctl wait device/dev-1 --for connected --wait-timeout 30s",
                   "jlctl wait network/mqtt-1 --for status.state=running"};
  out.push_back(std::move(wait));

  Command status = top("", "status", "the daemon at a glance: version, components, sessions, what is wrong");
  status.method = "GET", status.path = "/v1/status";
  status.examples = {"jlctl status", "jlctl status -o json"};
  out.push_back(std::move(status));

  Command whoami = top("", "whoami", "who the daemon takes you for, and your role");
  whoami.method = "GET", whoami.path = "/v1/whoami";
  whoami.examples = {"jlctl whoami"};
  out.push_back(std::move(whoami));

  Command can = top("", "can", "exit 0 if you may, 6 if not");
  can.method = "GET", can.path = "/v1/can";
  can.arguments = {{"VERB", "verb", "verb", false, false, "verb"}, {"NOUN", "noun", "kind", true, false, "noun"}};
  can.examples = {"jlctl can delete gateway"};
  out.push_back(std::move(can));

  Command explain = top("", "explain", "what a noun or field means: type, default, range");
  explain.method = "GET", explain.path = "/v1/schema";
  explain.arguments = {{"NOUN[.FIELD]", "e.g. network.configuration.port", "field", true}};
  explain.flags = {local("offline", "", "from jlctl's own tables, without the daemon")};
  explain.examples = {"jlctl explain network", "jlctl explain network.configuration.maxMessageSize"};
  out.push_back(std::move(explain));

  Command ready = top("daemon", "wait", "wait until the daemon is ready, or stopped");
  ready.flags = {local("for", "WORD", "ready (default) or stopped"),
                 local("wait-timeout", "DURATION", "give up after this long (exit 8); default 60s, 0 = never")};
  ready.flags[0].words = {"ready", "stopped"};
  ready.examples = {"jlctl daemon wait", "jlctl daemon wait --for stopped --wait-timeout 10s"};
  out.push_back(std::move(ready));

  Command config = top("config", "show", "jlctl's own settings and where each comes from");
  config.flags = {local("origin", "", "show the file, variable or flag that set each")};
  config.examples = {"jlctl config show --origin"};
  out.push_back(std::move(config));

  Command version = top("", "version", "versions of jlctl and jlinkd");
  version.method = "GET", version.path = "/v1/version", version.role = Role::none;
  version.flags = {local("client", "", "only jlctl's own")};
  version.examples = {"jlctl version", "jlctl version --client -o json"};
  out.push_back(std::move(version));

  Command completion = top("", "completion", "print the completion script of a shell");
  completion.arguments = {{"SHELL", "bash, zsh or fish", "shell"}};
  completion.examples = {"source <(jlctl completion bash)"};
  out.push_back(std::move(completion));

  Command help = top("", "help", "help on a command, \"errors\", \"exit-codes\", or --json for the whole tree");
  help.arguments = {{"TOPIC", "command words, errors or exit-codes", "command", true, true}};
  help.examples = {"jlctl help network add", "jlctl help errors", "jlctl help --json"};
  out.push_back(std::move(help));

  // Not verbs of jlctl: what completion, monitoring and other programs ask.
  Command names = top("", "", "ids of a kind that start with a prefix, for completion");
  names.method = "GET", names.path = "/v1/names";
  out.push_back(std::move(names));
  Command metrics = top("", "", "counters as Prometheus text");
  metrics.method = "GET", metrics.path = "/metrics";
  out.push_back(std::move(metrics));
  Command openapi = top("", "", "the OpenAPI document of this API");
  openapi.method = "GET", openapi.path = "/v1/openapi.json";
  out.push_back(std::move(openapi));
}

std::string percent_decode(std::string_view text) {
  std::string out;
  const auto hex = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Matches "/v1/networks/{id}/enable" and takes out the id.
bool path_matches(std::string_view pattern, std::string_view path, std::string& id) {
  const std::size_t brace = pattern.find("{id}");
  if (brace == std::string_view::npos) return pattern == path;
  const std::string_view before = pattern.substr(0, brace);
  const std::string_view after = pattern.substr(brace + 4);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) return false;
  const std::string_view middle = path.substr(before.size(), path.size() - before.size() - after.size());
  if (middle.find('/') != std::string_view::npos) return false;
  id = percent_decode(middle);
  return true;
}

}  // namespace

std::string_view to_string(Role role) {
  static constexpr std::array<std::string_view, 4> kWords{"none", "viewer", "operator", "admin"};
  return kWords[static_cast<std::size_t>(role)];
}

std::optional<Role> role_from(std::string_view word) {
  for (const Role role : {Role::none, Role::viewer, Role::operator_, Role::admin}) {
    if (to_string(role) == word) return role;
  }
  return std::nullopt;
}

std::span<const Command> commands() {
  static const std::vector<Command> table = [] {
    std::vector<Command> out;
    for (const Kind& kind : model::kinds()) add_generic(out, kind);
    add_cert(out);
    add_network(out);
    add_package(out);
    add_protocol(out);
    add_device(out);
    add_modbus(out);
    add_media(out);
    add_ota(out);
    add_log(out);
    add_manifests(out);
    add_import(out);
    add_rest(out);
    add_files(out);
    for (Command& c : out) finish(c);
    return out;
  }();
  return table;
}

const Command* find_command(std::string_view noun, std::string_view verb) {
  for (const Command& c : commands()) {
    if (c.noun != noun || c.verb.empty()) continue;
    if (c.verb == verb || std::ranges::find(c.aliases, verb) != c.aliases.end()) return &c;
  }
  return nullptr;
}

std::span<const Flag> global_flags() {
  static const std::vector<Flag> table = [] {
    std::vector<Flag> out{
        local("output", "FORMAT", "table, wide, json, jsonl, yaml, name, or value=FIELD"),
        local("json", "", "the same as -o json"),
        local("fields", "LIST", "only these columns or keys, in this order: id,status.state"),
        local("quiet", "", "only ids; no remarks"),
        local("no-header", "", "no header line in tables"),
        local("color", "WHEN", "auto, always or never"),
        local("no-pager", "", "never start a pager"),
        local("socket", "PATH", "control socket; default /run/jlinkd/control.sock, or JLCTL_SOCKET"),
        local("timeout", "DURATION", "limit for connecting and for the answer; default 30s, 0 = none"),
        local("connect-retry", "DURATION", "keep trying to connect this long"),
        local("no-input", "", "never ask; fail instead"),
        local("fail-fast", "", "with several objects, stop at the first that fails"),
        local("exit-changed", "", "exit 21 when something was changed"),
        local("schema-version", "N", "version of the JSON documents; only 1 exists"),
        local("debug", "", "what is sent and received, secrets masked, on standard error"),
        local("help", "", "help on this command"),
    };
    out[0].short_name = 'o', out[0].words = {"table", "wide", "json", "jsonl", "yaml", "name", "value="};
    out[3].short_name = 'q', out[15].short_name = 'h';
    out[5].words = {"auto", "always", "never"};
    return out;
  }();
  return table;
}

Route route(std::string_view method, std::string_view path) {
  Route out;
  for (const Command& c : commands()) {
    std::string id;
    if (c.path.empty() || !path_matches(c.path, path, id)) continue;
    out.path_known = true;
    if (c.method == method) {
      out.command = &c;
      out.id = std::move(id);
      return out;
    }
  }
  return out;
}

}  // namespace jl::control

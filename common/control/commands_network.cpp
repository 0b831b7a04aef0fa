#include "common/control/command_rows.hpp"

namespace jl::control {

void add_network(std::vector<Command>& out) {
  const model::Kind* kind = model::find_kind("network");
  const Argument id{"ID", "id of an MQTT server component", "network"};
  const auto base = [&](std::string verb, std::string path, std::string summary) {
    Command c = generic(*kind, std::move(verb), std::move(summary));
    c.path = "/v1/networks/{id}/" + std::move(path);
    c.arguments = {id};
    return c;
  };

  Command clients =
      base("clients", "clients", "MQTT clients of the component: connected, or with a session that waits");
  clients.method = "GET";
  clients.arguments.push_back({"CLIENT", "only this client id, with its topic filters", "", true});
  clients.flags = {query("limit", "N", "at most this many")};
  clients.examples = {"jlctl network clients mqtt-1", "jlctl network clients mqtt-1 dev-1 -o json"};
  out.push_back(std::move(clients));

  Command kick = base("kick", "kick", "close the connection of an MQTT client");
  kick.method = "POST", kick.role = Role::operator_, kick.dangerous = true;
  kick.arguments.push_back({"CLIENT", "its client id", ""});
  kick.flags = {{"forget", "", "end its session as well", Where::body}};
  kick.examples = {"jlctl network kick mqtt-1 dashboard-7 --yes"};
  out.push_back(std::move(kick));

  Command sub = base("sub", "subscribe", "what a subscriber of this topic filter hears, retained messages first");
  sub.method = "GET", sub.role = Role::operator_, sub.streams = true;
  sub.arguments.push_back({"FILTER", "topic filter: levels, + for one of them, # for the rest", ""});
  sub.flags = {query("limit", "N", "end after this many")};
  sub.examples = {"jlctl network sub mqtt-1 \"/device/#\"", "jlctl network sub mqtt-1 a/b --limit 1 -o json"};
  out.push_back(std::move(sub));

  Command pub = base("pub", "publish", "publish a message by hand");
  pub.method = "POST", pub.role = Role::operator_;
  pub.arguments.push_back({"TOPIC", "topic name; not below /device/, where only devices speak", ""});
  pub.arguments.push_back({"PAYLOAD", "text; or see --file", "", true});
  Flag file = local("file", "FILE", "the payload from a file, or - for standard input");
  file.short_name = 'f';
  Flag qos{"qos", "N", "0 (default), 1 or 2", Where::body};
  qos.words = {"0", "1", "2"};
  pub.flags = {file, qos, {"retain", "", "keep it for later subscribers; an empty payload forgets it", Where::body}};
  pub.examples = {"jlctl network pub mqtt-1 plant/announce hello --qos 1 --retain"};
  out.push_back(std::move(pub));
}

}  // namespace jl::control

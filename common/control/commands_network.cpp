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

  Command clients = base("clients", "clients", "clients of the component: who is connected, or was heard of lately");
  clients.arguments.front().help = "id of a component";
  clients.method = "GET";
  clients.arguments.push_back({"CLIENT", "only this client id, with its topic filters", "", true, false, "client"});
  clients.flags = {query("limit", "N", "at most this many")};
  clients.examples = {"jlctl network clients mqtt-1", "jlctl network clients tcp-1",
                      "jlctl network clients mqtt-1 dev-1 -o json"};
  out.push_back(std::move(clients));

  Command kick = base("kick", "kick", "close the connection of an MQTT client");
  kick.method = "POST", kick.role = Role::operator_, kick.dangerous = true;
  kick.arguments.push_back({"CLIENT", "its client id", ""});
  kick.flags = {{"forget", "", "end its session as well", Where::body}};
  kick.examples = {"jlctl network kick mqtt-1 dashboard-7 --yes"};
  out.push_back(std::move(kick));

  Command sub = base("sub", "subscribe", "what a subscriber of this topic filter hears, retained messages first");
  sub.method = "GET", sub.role = Role::operator_, sub.streams = true;
  sub.arguments.push_back(
      {"FILTER", "topic filter: levels, + for one of them, # for the rest", "", false, false, "filter"});
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

  Command frames = generic(*kind, "frame-test", "how a TCP stream is cut into frames: hex in, frames out");
  frames.description =
      "Runs the framing rule of a component, or one given by flags, on what you give it: each argument is one read "
      "from "
      "the socket. Nothing is connected, and no component is touched.";
  frames.method = "POST", frames.path = "/v1/networks/frame-test";
  frames.arguments = {{"HEX", "bytes of one read, in hex, spaces allowed", "", false, true}};
  const auto body = [](std::string name, std::string value, std::string help) {
    return Flag{std::move(name), std::move(value), std::move(help), Where::body};
  };
  frames.flags = {body("network", "ID", "TCP server component whose rule is used"),
                  body("parser-type", "WORD", "rule: direct, delimited, fixed, length, script"),
                  body("delimited", "TEXT", "delimited: bytes between frames: text with \\r \\n, or 0x and hex"),
                  body("size", "N", "fixed: bytes of each frame"),
                  body("offset", "N", "length: bytes before the length field"),
                  body("length", "N", "length: bytes of the length field: 1, 2, 3, 4 or 8"),
                  body("little", "", "length: little endian"),
                  local("script-file", "FILE", "script: JavaScript, or - for standard input"),
                  body("max-frame-length", "N", "largest frame, bytes")};
  frames.flags[0].completes = "network";
  frames.examples = {
      "jlctl network frame-test \"68 00 03 AA\" \"BB CC 68 00 00\" --parser-type length --offset 1 --length 2",
      "jlctl network frame-test 41420D 0A43 --parser-type delimited --delimited '\\r\\n'",
      "jlctl network frame-test 0000000131 --network tcp-1"};
  out.push_back(std::move(frames));
}

}  // namespace jl::control

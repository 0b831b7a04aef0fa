#include "common/control/command_rows.hpp"

namespace jl::control {

namespace {

Flag body(std::string name, std::string value, std::string help) {
  return {std::move(name), std::move(value), std::move(help), Where::body};
}

// What `decode` and `encode` have in common: for whom they are tried.
std::vector<Flag> trial_flags() {
  Flag device = body("device", "ID", "as this device, which exists: its configuration counts");
  device.completes = "device";
  return {
      body("transport", "WORD", "MQTT, TCP, UDP, HTTP, WebSocket or CoAP; may be left out where there is only one"),
      device,
      local("device-file", "FILE",
            "as a device that need not exist: JSON {id, productId, config: {key: value}}, or - for standard input")};
}

}  // namespace

void add_protocol(std::vector<Command>& out) {
  const model::Kind* kind = model::find_kind("protocol");
  const Argument id{"ID", "id of a protocol", "protocol"};
  const auto base = [&](std::string verb, std::string method, std::string path, std::string summary) {
    Command c = generic(*kind, std::move(verb), std::move(summary));
    c.method = std::move(method);
    c.path = "/v1/protocols/" + std::move(path);
    c.arguments = {id};
    return c;
  };

  Command decode = base("decode", "POST", "{id}/decode", "what a protocol makes of bytes, without a device");
  decode.description =
      "Runs decode() as if a device had sent the bytes. Nothing is stored and no session is touched. Without a device "
      "the message itself has to name one. Ends with code 5 when decoding fails, after showing what there is.";
  decode.role = Role::operator_;
  decode.flags = trial_flags();
  for (Flag flag :
       {body("hex", "DIGITS", "the bytes in hex, spaces allowed"), body("text", "TEXT", "the bytes as text"),
        local("file", "FILE", "the bytes from a file, or - for standard input"),
        body("topic", "TOPIC", "MQTT: topic it was published on"),
        body("path", "PATH", "HTTP, CoAP: path of the request"),
        body("method", "WORD", "HTTP, CoAP: method, POST unless given"),
        body("query", "TEXT", "HTTP, CoAP: what stands behind the question mark")})
    decode.flags.push_back(std::move(flag));
  decode.examples = {"jlctl protocol decode meter --transport TCP --hex \"68 01 00 00 30 39 16\" --device meter-1",
                     "jlctl protocol decode official --transport MQTT --topic /p1/d1/properties/report --text "
                     "'{\"properties\":{\"t\":21.5}}'"};
  out.push_back(std::move(decode));

  Command encode =
      base("encode", "POST", "{id}/encode", "what a protocol sends for a device message, without a device");
  encode.role = Role::operator_;
  encode.flags = trial_flags();
  encode.flags.push_back(local("message", "FILE", "the device message as JSON, or - for standard input"));
  encode.examples = {"jlctl protocol encode meter --transport TCP --message read.json -o json"};
  out.push_back(std::move(encode));

  Command test = base("test", "POST", "test", "run the test cases that a package brings along");
  test.description =
      "The package is checked and compiled by jlinkd as if it were added, then each case of its tests/*.json is run. "
      "Nothing is stored. Ends with code 10 when a case fails.";
  test.arguments = {{"DIR", "folder of a package, or a package (.zip, .jar)", "file"}};
  test.role = Role::operator_, test.large_body = true;
  test.examples = {"jlctl protocol test ./meter", "jlctl protocol test meter.zip -o json"};
  out.push_back(std::move(test));

  Flag transport = query("transport", "WORD", "only of this transport");
  Command routes = base("routes", "GET", "{id}/routes", "topics and paths of a protocol");
  routes.flags = {transport};
  routes.examples = {"jlctl protocol routes official --transport MQTT"};
  out.push_back(std::move(routes));

  Command document = base("document", "GET", "{id}/document", "how devices speak a protocol: its own documentation");
  document.flags = {transport};
  document.examples = {"jlctl protocol document official --transport TCP"};
  out.push_back(std::move(document));

  Command trace = base("trace", "GET", "trace/{id}", "what passes between a device and its protocol, live");
  trace.description =
      "Bytes that the device sends and the messages made of them, bytes sent to it, and errors. Bytes are shown as "
      "they "
      "are, credentials included.";
  trace.arguments = {{"DEVICE", "id of the device, which may be offline", "device"}};
  trace.role = Role::operator_, trace.streams = true;
  trace.flags = {query("limit", "N", "end after this many")};
  trace.examples = {"jlctl protocol trace meter-1", "jlctl protocol trace meter-1 -o jsonl --limit 10"};
  out.push_back(std::move(trace));
}

}  // namespace jl::control

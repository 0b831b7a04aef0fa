#include "common/control/command_rows.hpp"

namespace jl::control {

void add_package(std::vector<Command>& out) {
  const model::Kind* kind = model::find_kind("protocol");

  Command init = generic(*kind, "init", "write a protocol package to start from: a folder that works and tests itself");
  init.description =
      "Writes protocol.json, main.js, a thing model, documentation and test cases for one transport. Never overwrites: "
      "when one of the files exists, nothing is written. Needs no daemon.";
  init.arguments = {{"DIR", "folder; made when there is none", ""}};
  init.flags = {local("transport", "WORD", "what devices speak: TCP (default), UDP, MQTT, HTTP, WebSocket or CoAP"),
                local("id", "ID", "what the package calls itself; default: the name of the folder")};
  init.flags[0].words = {"TCP", "UDP", "MQTT", "HTTP", "WebSocket", "CoAP"};
  init.examples = {"jlctl protocol init meter", "jlctl protocol init packages/meter --transport MQTT --id acme-meter"};
  out.push_back(std::move(init));

  Command pack = generic(*kind, "pack", "pack the folder of a protocol package into a zip archive");
  pack.description =
      "Takes protocol.json, *.js, *.mjs, *.json and *.md; hidden files and node_modules stay out, and symbolic links "
      "are refused. The same files always give the same bytes. Needs no daemon.";
  pack.arguments = {{"DIR", "folder with a protocol.json", ""}};
  pack.flags = {local("file", "FILE", "the archive, or - for standard output; default: the name of the folder, .zip")};
  pack.flags[0].short_name = 'f';
  pack.examples = {"jlctl protocol pack meter", "jlctl protocol pack packages/meter -f meter-1.0.zip"};
  out.push_back(std::move(pack));
}

}  // namespace jl::control

#include "common/control/command_rows.hpp"

namespace jl::control {

void add_import(std::vector<Command>& out) {
  Command jetlinks;
  jetlinks.noun = "import";
  jetlinks.verb = "jetlinks";
  jetlinks.summary = "turn what JetLinks exports into manifests, and say what cannot be carried";
  jetlinks.description =
      "Reads the JSON that JetLinks' web pages and REST API hand out, of 1.x and 2.x: one object, a list, JSON Lines, "
      "an "
      "answer with its result, a page. Files that refer to each other are given together. Needs no daemon. What it "
      "writes applies as a whole: an object that cannot stand without something that is missing is left out, one that "
      "would not be let in as it is is written disabled, and both are said on standard error. Exit 11 when an object "
      "was "
      "left out, 5 when a file is not understood. Secrets are carried in clear where the export has them: --out makes "
      "files that only their owner can read.";
  jetlinks.arguments = {{"FILE", "JSON file, or - for standard input", "", false, true}};
  jetlinks.flags = {
      local("out", "FILE", "write there instead of to standard output; in a folder, one file for each kind"),
      choice("kind", {"cert", "network", "protocol", "gateway", "product", "device"},
             "what the objects are; default: by the fields that they have"),
      local("existing", "KIND",
            "a kind, or KIND/ID, that the daemon has already, so that references to it are kept; may repeat"),
      local("official", "ID", "a protocol that is JetLinks' official one under an id of its own; may repeat")};
  jetlinks.flags[1].where = Where::local;
  jetlinks.flags[2].repeated = jetlinks.flags[3].repeated = true;
  jetlinks.examples = {"jlctl import jetlinks networks.json gateways.json products.json --out site.yaml",
                       "jlctl import jetlinks devices.json --existing product --out devices.yaml",
                       "jlctl import jetlinks export/*.json --out site/ -o json"};
  out.push_back(std::move(jetlinks));
}

}  // namespace jl::control

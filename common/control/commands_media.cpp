#include "common/control/command_rows.hpp"

namespace jl::control {

void add_media(std::vector<Command>& out) {
  const model::Kind* server = model::find_kind("media-server");
  Command test;
  test.noun = server->noun();
  test.kind = server;
  test.verb = "test", test.method = "POST", test.path = "/v1/media-servers/{id}/test";
  test.summary = "ask a media server now, enabled or not, how it does";
  test.description =
      "Fetches the server's own configuration with the secret. Ends with code 0 when it answers as it should, 1 when "
      "it cannot be reached, 10 when it refuses the secret (auth_failed) or this machine's address (ip_not_allowed), "
      "or is degraded.";
  test.role = Role::operator_;
  test.arguments = {{"ID", "id of the media server", "media-server"}};
  test.examples = {"jlctl media server test zlm-1", "jlctl media server test zlm-1 -o json"};
  out.push_back(std::move(test));
}

}  // namespace jl::control

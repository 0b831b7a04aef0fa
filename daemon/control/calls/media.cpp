// Calls about media servers.
#include "daemon/control/calls/calls.hpp"

namespace jl::control {
namespace json = boost::json;

namespace {

Error error_of(const std::string& id, const media::Checkup& checkup) {
  using media::Health;
  Error out(checkup.health == Health::unreachable ? Errc::network : Errc::job_failed,
            "media-server \"" + id + "\": " + checkup.reason);
  switch (checkup.health) {
    case Health::auth_failed:
      out.hint = "jlctl media server edit " + id + " --secret-file FILE";
      break;
    case Health::ip_not_allowed:
      out.hint = "add this machine's address to allow_ip_range in the [http] section of its config.ini";
      break;
    case Health::unreachable:
      out.hint = "does it run, and are apiHost and apiPort right? jlctl media server show " + id;
      break;
    default:
      out.hint = "jlctl media server show " + id;
  }
  out.members = {{"result", std::string(media::to_string(checkup.health))}};
  return out;
}

}  // namespace

void Calls::media_test(const Call& call, const Reply& reply) {
  reply->notes({"media-server/" + call.id, 0, 0});
  const Millis begun = r_.clock.steady();
  r_.runtime.media().test(call.id, [id = call.id, reply, begun, &clock = r_.clock](Result<media::Checkup> checkup) {
    if (!checkup) return reply->problem(checkup.error());
    if (checkup->health != media::Health::ok) return reply->problem(error_of(id, *checkup));
    json::object out{{"id", id}};
    for (auto& [key, value] : runtime::checkup_json(*checkup)) out[key] = std::move(value);
    out["elapsed"] = static_cast<double>(clock.steady() - begun) / 1000.0;
    reply->json(200, out);
  });
}

}  // namespace jl::control

#include "daemon/runtime/media.hpp"

#include "common/model/media.hpp"
#include "daemon/base/log.hpp"
#include "daemon/runtime/runtime.hpp"

#include <random>

namespace jl::runtime {
namespace json = boost::json;
using model::Resource;
using store::Family;

namespace {

constexpr std::string_view kKind = "media-server";

std::uint64_t random_below(std::uint64_t bound) {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(engine);
}

Result<media::ServerConfig> config_of(Resource server, const device::Secrets& secrets, const CertSource& certs) {
  JL_CHECK(secrets.reveal(server));
  const auto spec = model::from_json<model::MediaServer>(server.spec);
  const auto& from = spec.configuration;
  media::ServerConfig out;
  out.id = server.id;
  out.enabled = server.enabled;
  out.is_srs = spec.provider == model::MediaProvider::srs;
  out.address = {from.base_url(), from.secret, {}};
  out.ports.http = from.http_port.value_or(0);
  out.ports.rtsp = from.rtsp_port.value_or(0);
  out.ports.rtmp = from.rtmp_port.value_or(0);
  if (!from.cert_id.id.empty()) {
    JL_TRY(const auto cert, certs(from.cert_id.id));
    if (!cert.bundle) return Error(Errc::invalid, "cert \"" + from.cert_id.id + "\" cannot be read");
    for (const auto& authority : cert.bundle->trust) out.address.authorities += device::to_pem(*authority);
  }
  return out;
}

json::object ports_json(const media::MediaPorts& ports) {
  json::object out;
  const auto add = [&](const char* name, std::uint16_t port) {
    if (port != 0) out[name] = port;
  };
  add("http", ports.http), add("https", ports.https), add("rtsp", ports.rtsp), add("rtmp", ports.rtmp);
  add("rtc", ports.rtc), add("srt", ports.srt);
  return out;
}

}  // namespace

json::object checkup_json(const media::Checkup& checkup) {
  json::object out{{"result", media::to_string(checkup.health)}};
  if (!checkup.reason.empty()) out["reason"] = checkup.reason;
  if (!checkup.version.empty()) out["version"] = checkup.version;
  if (!checkup.server_id.empty()) out["serverId"] = checkup.server_id;
  if (auto ports = ports_json(checkup.ports); !ports.empty()) out["ports"] = std::move(ports);
  if (checkup.health == media::Health::ok || checkup.health == media::Health::degraded) out["load"] = checkup.load;
  return out;
}

Media::Media(const Materials& materials, const device::Secrets& secrets)
    : secrets_(secrets),
      client_(std::make_shared<network::HttpClient>()),
      pool_(std::make_shared<media::ServerPool>(
          materials.threads.at(0), random_below,
          [client = client_](const media::ServerConfig& config) { return media::api_of(config, client); })) {}

Media::~Media() { stop(); }

Status Media::boot(const store::Snapshot& snapshot, const CertSource& certs) {
  const std::string from = store::key({kKind, ""});
  JL_CHECK(snapshot.scan(Family::resources, from, store::prefix_end(from), false,
                         [&](std::string_view key, std::string_view value, store::Revision revision) {
                           if (auto read = model::from_stored(kKind, store::key_part(key, 1), value, revision))
                             servers_.insert_or_assign(read->id, std::move(*read));
                           return true;
                         }));
  configure(certs);
  return {};
}

void Media::commit(const std::vector<ResourceChange>& changes, const CertSource& certs) {
  bool is_ours = false;
  for (const auto& change : changes) {
    const Resource& any = change.any();
    is_ours |= any.kind == kKind || any.kind == "cert";
    if (any.kind != kKind) continue;
    if (change.after) {
      servers_.insert_or_assign(any.id, *change.after);
    } else {
      servers_.erase(any.id);
    }
  }
  if (is_ours) configure(certs);
}

void Media::configure(const CertSource& certs) {
  auto configs = std::make_shared<Configs>();
  std::vector<media::ServerConfig> pooled;
  for (const auto& [id, server] : servers_) {
    auto config = config_of(server, secrets_, certs);
    if (!config) {
      log::error("runtime", "media-server={} is left out: {}", id, config.error().message);
      continue;
    }
    pooled.push_back(*config);
    configs->emplace(id, std::move(*config));
  }
  configs_.store(std::move(configs));
  pool_->set(std::move(pooled));
}

void Media::stop() {
  pool_->stop();
  client_->stop();
}

json::object Media::status_of(const Resource& resource) const {
  const auto configs = configs_.load();
  const auto config = configs->find(resource.id);
  json::object out;
  if (config == configs->end()) return {{"state", "failed"}, {"reason", "its configuration cannot be read"}};
  const auto state = pool_->state(resource.id);
  if (!resource.enabled || !state) {
    out["state"] = "stopped";
    out["address"] = config->second.address.base_url;
    return out;
  }
  out["state"] = media::to_string(state->checkup.health);
  out["address"] = config->second.address.base_url;
  if (!state->checkup.reason.empty()) out["reason"] = state->checkup.reason;
  if (state->since != 0) out["since"] = format_time(state->since);
  if (state->checked_at != 0) out["checkedAt"] = format_time(state->checked_at);
  json::object found = checkup_json(state->checkup);
  for (const char* key : {"version", "serverId", "ports", "load"}) {
    if (auto* value = found.if_contains(key)) out[key] = std::move(*value);
  }
  return out;
}

std::vector<std::pair<std::string, media::Health>> Media::states() const {
  std::vector<std::pair<std::string, media::Health>> out;
  const auto configs = configs_.load();
  for (const auto& [id, config] : *configs) {
    if (const auto state = pool_->state(id)) out.emplace_back(id, state->checkup.health);
  }
  return out;
}

void Media::test(const std::string& id, std::function<void(Result<media::Checkup>)> done) const {
  const auto configs = configs_.load();
  const auto config = configs->find(id);
  if (config == configs->end())
    return done(Error(Errc::not_found, "media-server \"" + id + "\" does not exist", "jlctl media server list"));
  const auto api = media::api_of(config->second, client_);
  api->check([api, done = std::move(done)](media::Checkup checkup) { done(std::move(checkup)); });
}

}  // namespace jl::runtime

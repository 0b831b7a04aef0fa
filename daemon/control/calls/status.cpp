// The daemon at a glance: /v1/status for people and scripts, /metrics for Prometheus.
#include "common/control/api.hpp"
#include "daemon/control/calls/calls.hpp"

#include <unistd.h>
#include <array>
#include <cstdio>

namespace jl::control {
namespace json = boost::json;

namespace {

constexpr std::array kUpgradeStates{ota::State::waiting, ota::State::processing, ota::State::success,
                                    ota::State::failed, ota::State::canceled};

// Resident memory in bytes, 0 when the kernel does not say.
std::uint64_t resident_bytes() {
  std::uint64_t pages = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    unsigned long long a = 0, b = 0;
    if (std::fscanf(file, "%llu %llu", &a, &b) == 2) pages = a, resident = b;
    std::fclose(file);
  }
  (void)pages;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void add_modbus_metrics(std::string& out, const std::vector<runtime::Modbus::Metrics>& channels) {
  using Row = runtime::Modbus::Metrics;
  const auto table = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    out += fmt::format("# HELP jlinkd_modbus_{} {}\n# TYPE jlinkd_modbus_{} {}\n", name, help, name, type);
    for (const Row& row : channels)
      out += fmt::format("jlinkd_modbus_{}{{channel=\"{}\"}} {}\n", name, row.channel, value(row));
  };
  table("connected", "gauge", "Whether a Modbus channel is connected.",
        [](const Row& r) { return r.state == modbus::ChannelState::running ? 1 : 0; });
  table("points", "gauge", "Points of a Modbus channel.", [](const Row& r) { return r.points; });
  table("points_good", "gauge", "Those whose last value is good.", [](const Row& r) { return r.good; });
  table("requests_total", "counter", "Requests sent to slaves.", [](const Row& r) { return r.line.requests; });
  table("timeouts_total", "counter", "Requests without an answer in time.",
        [](const Row& r) { return r.line.timeouts; });
  table("malformed_total", "counter", "Answers that did not fit their request.",
        [](const Row& r) { return r.line.malformed; });
  table("late_total", "counter", "Answers nobody waited for any more.", [](const Row& r) { return r.line.late; });
  table("overruns_total", "counter", "Cycles left out because the one before was not done.",
        [](const Row& r) { return r.poller.overruns; });
  table("skipped_total", "counter", "Cycles left out without connection, or of units that do not answer.",
        [](const Row& r) { return r.poller.skipped; });
  table("values_total", "counter", "Values read.", [](const Row& r) { return r.poller.values; });
  table("connects_total", "counter", "Connections made.", [](const Row& r) { return r.connects; });
  table("connect_failures_total", "counter", "Connections lost, or not made.", [](const Row& r) { return r.failures; });
  table("rtt_p50_milliseconds", "gauge", "Median time to an answer.",
        [](const Row& r) { return r.line.rtt.percentile(0.5); });
  table("rtt_p99_milliseconds", "gauge", "Time that 99 of 100 answers do not exceed.",
        [](const Row& r) { return r.line.rtt.percentile(0.99); });
  out += "# HELP jlinkd_modbus_exceptions_total Exceptions of slaves by their code; 0 = codes without a row.\n";
  out += "# TYPE jlinkd_modbus_exceptions_total counter\n";
  for (const Row& row : channels) {
    for (std::size_t code = 0; code < row.line.exceptions.size(); ++code) {
      if (row.line.exceptions[code] > 0)
        out += fmt::format("jlinkd_modbus_exceptions_total{{channel=\"{}\",code=\"{}\"}} {}\n", row.channel, code,
                           row.line.exceptions[code]);
    }
  }
}

void add_media_metrics(std::string& out, const runtime::Media& media) {
  const auto servers = media.states();
  out += "# HELP jlinkd_media_server_up Whether an enabled media server is well.\n";
  out += "# TYPE jlinkd_media_server_up gauge\n";
  for (const auto& [id, health] : servers)
    out += fmt::format("jlinkd_media_server_up{{server=\"{}\",state=\"{}\"}} {}\n", id, media::to_string(health),
                       health == media::Health::ok ? 1 : 0);
}

void add_ota_metrics(std::string& out, const runtime::Ota& ota) {
  const auto head = [&](std::string_view name, std::string_view type, std::string_view help) {
    out += fmt::format("# HELP jlinkd_ota_{} {}\n# TYPE jlinkd_ota_{} {}\n", name, help, name, type);
  };
  head("devices", "gauge", "Devices of upgrade tasks by state.");
  const auto totals = ota.upgrades().totals();
  for (const auto state : kUpgradeStates)
    out += fmt::format("jlinkd_ota_devices{{state=\"{}\"}} {}\n", ota::to_string(state), totals.at(state));
  const auto servers = ota.downloads().all_counters();
  const auto table = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    head(name, type, help);
    for (const auto& [id, counters] : servers)
      out += fmt::format("jlinkd_ota_{}{{server=\"{}\"}} {}\n", name, id, value(counters));
  };
  using Counters = ota::Downloads::Counters;
  table("downloads", "gauge", "Downloads under way.", [](const Counters& c) { return c.running; });
  table("requests_total", "counter", "Requests for firmware.", [](const Counters& c) { return c.requests; });
  table("refused_total", "counter", "Those whose upgrade was over.", [](const Counters& c) { return c.refused; });
  table("turned_away_total", "counter", "Those that came when too many downloaded.",
        [](const Counters& c) { return c.turned_away; });
  table("bytes_total", "counter", "Bytes of firmware sent.", [](const Counters& c) { return c.bytes; });
}

}  // namespace

json::object Calls::status() const {
  const auto networks = r_.runtime.network_totals();
  std::size_t networks_all = 0, gateways_all = 0, gateways_on = 0, devices = 0;
  for (const char* kind : {"network", "gateway", "device"}) {
    const std::string from = store::key({kind, ""});
    (void)r_.store.snapshot()->scan(store::Family::resources, from, store::prefix_end(from), false,
                                    [&](std::string_view key, std::string_view value, store::Revision revision) {
                                      const std::string_view k(kind);
                                      if (k == "device") return ++devices, true;
                                      if (k == "network") return ++networks_all, true;
                                      ++gateways_all;
                                      const auto resource =
                                          model::from_stored(k, store::key_part(key, 1), value, revision);
                                      if (resource && resource->enabled) ++gateways_on;
                                      return true;
                                    });
  }
  std::uint64_t stored = 0;
  for (const auto& log : r_.turn_logs) stored += log->stored();
  json::array failed;
  for (const auto& [id, reason] : networks.reasons)
    failed.push_back(json::object{{"kind", "network"}, {"id", id}, {"reason", reason}});
  const Millis now = r_.clock.now();
  json::array expiring, expired;
  const auto catalog = r_.catalogs.current();
  for (const auto& [id, info] : catalog->certs) {
    if (!info->bundle) {
      failed.push_back(json::object{{"kind", "cert"}, {"id", id}, {"reason", info->problem}});
    } else if (info->not_after > 0 && info->not_after - now <= cert::kExpiryWarning) {
      (info->not_after <= now ? expired : expiring).emplace_back(id);
    }
  }
  std::size_t connected = 0, connecting = 0, away = 0, points = 0, good = 0;
  for (const auto& channel : r_.runtime.modbus().metrics()) {
    points += channel.points;
    good += channel.good;
    const bool is_connected = channel.state == modbus::ChannelState::running;
    // One that tries again has a reason to.
    const bool is_away = !is_connected && !channel.reason.empty();
    (is_connected ? connected : is_away ? away : connecting) += 1;
    constexpr std::size_t kMostNamed = 100;
    if (is_away && failed.size() < kMostNamed)
      failed.push_back(json::object{{"kind", "modbus-channel"}, {"id", channel.channel}, {"reason", channel.reason}});
  }
  json::object upgrades;
  const auto totals = r_.runtime.ota().upgrades().totals();
  for (const auto state : kUpgradeStates) upgrades[ota::to_string(state)] = totals.at(state);
  return {
      {"version", kProgramVersion},
      {"api", kApiVersion},
      {"nodeId", r_.node_id},
      {"ready", ready_.load()},
      {"startedAt", format_time(r_.started_at)},
      {"uptime", static_cast<double>(now - r_.started_at) / 1000.0},
      {"stateDir", r_.state_dir},
      {"revision", static_cast<std::int64_t>(r_.store.revision())},
      {"networks",
       json::object{{"running", networks.running},
                    {"failed", networks.failed},
                    {"stopped", networks_all - std::min(networks_all, networks.running + networks.failed)}}},
      {"modbus",
       json::object{
           {"running", connected}, {"connecting", connecting}, {"failed", away}, {"points", points}, {"good", good}}},
      {"upgrades", std::move(upgrades)},
      {"gateways", json::object{{"enabled", gateways_on}, {"disabled", gateways_all - gateways_on}}},
      {"certs",
       json::object{
           {"total", catalog->certs.size()}, {"expiring", std::move(expiring)}, {"expired", std::move(expired)}}},
      {"devices", json::object{{"total", devices}, {"online", r_.sessions.size()}}},
      {"sessions", r_.sessions.size()},
      {"messages", json::object{{"received", r_.runtime.received()}, {"stored", stored}}},
      {"commands", json::object{{"pending", r_.commands.pending()}}},
      {"failed", std::move(failed)},
      {"memory", resident_bytes()},
      {"threads", r_.turn_logs.size()}};
}

std::string Calls::metrics() const {
  std::string out;
  const auto row = [&](std::string_view name, std::string_view type, std::string_view help) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  };
  const auto networks = r_.runtime.network_totals();
  row("jlinkd_sessions", "gauge", "Live device sessions.");
  out += fmt::format("jlinkd_sessions {}\n", r_.sessions.size());
  row("jlinkd_networks", "gauge", "Network components by state.");
  out += fmt::format("jlinkd_networks{{state=\"running\"}} {}\njlinkd_networks{{state=\"failed\"}} {}\n",
                     networks.running, networks.failed);
  const auto statuses = r_.runtime.network_statuses();
  row("jlinkd_network_connections", "gauge", "Open connections of a network component.");
  for (const auto& [id, status] : statuses) {
    if (const auto* open = status.if_contains("connections"))
      out += fmt::format("jlinkd_network_connections{{network=\"{}\"}} {}\n", id, json::serialize(*open));
  }
  row("jlinkd_network_events_total", "counter", "What happened on a network component, by the names of its counters.");
  for (const auto& [id, status] : statuses) {
    const auto* counters = status.if_contains("counters");
    if (!counters) continue;
    for (const auto& [name, value] : counters->as_object()) {
      out += fmt::format("jlinkd_network_events_total{{network=\"{}\",event=\"{}\"}} {}\n", id, std::string_view(name),
                         json::serialize(value));
    }
  }
  row("jlinkd_cert_not_after_seconds", "gauge", "When a certificate ends, in seconds since 1970.");
  for (const auto& [id, cert] : r_.catalogs.current()->certs) {
    if (cert->not_after > 0)
      out += fmt::format("jlinkd_cert_not_after_seconds{{cert=\"{}\"}} {}\n", id, cert->not_after / 1000);
  }
  row("jlinkd_messages_received_total", "counter", "Messages received by a gateway.");
  const auto gateways = r_.runtime.gateway_counters();
  for (const auto& [id, c] : gateways)
    out += fmt::format("jlinkd_messages_received_total{{gateway=\"{}\"}} {}\n", id, c->received.load());
  row("jlinkd_messages_undecodable_total", "counter", "Messages that the protocol could not decode.");
  for (const auto& [id, c] : gateways)
    out += fmt::format("jlinkd_messages_undecodable_total{{gateway=\"{}\"}} {}\n", id, c->undecodable.load());
  row("jlinkd_connections_rejected_total", "counter", "Clients refused by a gateway.");
  for (const auto& [id, c] : gateways)
    out += fmt::format("jlinkd_connections_rejected_total{{gateway=\"{}\"}} {}\n", id, c->rejected.load());
  const auto packages = r_.protocols.counters();
  row("jlinkd_protocol_calls_total", "counter", "Calls of functions of a protocol package since it was loaded.");
  for (const auto& [id, c] : packages)
    out += fmt::format("jlinkd_protocol_calls_total{{protocol=\"{}\"}} {}\n", id, c.calls);
  row("jlinkd_protocol_errors_total", "counter", "Those that failed.");
  for (const auto& [id, c] : packages)
    out += fmt::format("jlinkd_protocol_errors_total{{protocol=\"{}\"}} {}\n", id, c.errors);
  row("jlinkd_protocol_overruns_total", "counter", "Those that were stopped because they took too long.");
  for (const auto& [id, c] : packages)
    out += fmt::format("jlinkd_protocol_overruns_total{{protocol=\"{}\"}} {}\n", id, c.overruns);
  add_modbus_metrics(out, r_.runtime.modbus().metrics());
  add_ota_metrics(out, r_.runtime.ota());
  add_media_metrics(out, r_.runtime.media());
  row("jlinkd_log_dropped_total", "counter", "Log records dropped because the queue was full.");
  out += fmt::format("jlinkd_log_dropped_total{{log=\"access\"}} {}\njlinkd_log_dropped_total{{log=\"system\"}} {}\n",
                     r_.logs.stats(logs::LogClass::access).dropped, r_.logs.stats(logs::LogClass::system).dropped);
  row("jlinkd_store_revision", "gauge", "Revision of the newest commit.");
  out += fmt::format("jlinkd_store_revision {}\n", r_.store.revision());
  row("jlinkd_resident_bytes", "gauge", "Resident memory.");
  out += fmt::format("jlinkd_resident_bytes {}\n", resident_bytes());
  return out;
}

}  // namespace jl::control

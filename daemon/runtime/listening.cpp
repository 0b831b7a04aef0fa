#include "daemon/runtime/listening.hpp"

#include "daemon/network/tls_context.hpp"

#include <fmt/format.h>

namespace jl::runtime {
namespace json = boost::json;

Result<Tls> tls_of(const model::Listening& configuration, const CertSource& certs, bool datagrams) {
  if (!configuration.secure) return Tls();
  JL_TRY(const auto cert, certs(configuration.cert_id.id));
  network::TlsServerOptions options;
  options.bundle = cert.bundle;
  options.alias = configuration.private_key_alias;
  options.mutual = cert.mutual;
  auto context = datagrams ? network::TlsContext::datagram_server(options) : network::TlsContext::server(options);
  if (context) return *context;
  Error error = context.error();
  error.message = "cert \"" + cert.id + "\": " + error.message;
  return error;
}

void fill_stream_options(network::StreamOptions& options, const std::string& id, const model::Listening& c) {
  options.id = id;
  options.host = c.host;
  options.port = c.port;
  options.max_connections = static_cast<std::uint32_t>(c.max_connections);
  options.max_connect_rate = static_cast<std::uint32_t>(c.max_connect_rate);
  options.max_message_rate = static_cast<std::uint32_t>(c.max_message_rate);
  options.connect_timeout = std::chrono::seconds(c.connect_timeout);
}

std::string place_of(model::NetworkType type, const model::Listening& configuration) {
  const auto& info = model::network_type_info(type);
  const bool is_ipv6 = configuration.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(is_ipv6 ? "{}://[{}]" : "{}://{}"),
                     configuration.secure ? info.secure_scheme : info.scheme, configuration.host);
}

json::object counters_json(const network::StreamCounters& c) {
  return {{"accepted", c.accepted.load()},
          {"connected", c.connected.load()},
          {"rejected", c.rejected.load()},
          {"disconnected", c.disconnected.load()},
          {"receivedMessages", c.received_messages.load()},
          {"sentMessages", c.sent_messages.load()},
          {"receivedBytes", c.received_bytes.load()},
          {"sentBytes", c.sent_bytes.load()},
          {"protocolErrors", c.protocol_errors.load()},
          {"overLimit", c.over_limit.load()},
          {"rateLimited", c.rate_limited.load()},
          {"slowConsumers", c.slow_consumers.load()},
          {"tlsHandshakes", c.tls_handshakes.load()},
          {"tlsFailures", c.tls_failures.load()}};
}

json::array clients_json(const std::vector<network::ConnectionInfo>& clients, const Clock& clock) {
  json::array out;
  const Millis now = clock.now();
  for (const auto& client : clients) {
    json::object item{{"role", client.client.empty() ? "unknown" : "device"},
                      {"connected", true},
                      {"address", client.peer},
                      {"since", format_time(now - client.connected_for)},
                      {"silentFor", client.silent_for / 1000}};
    if (!client.client.empty()) item["clientId"] = client.client;
    if (!client.tls_version.empty()) item["tlsVersion"] = client.tls_version;
    if (!client.tls_subject.empty()) item["tlsSubject"] = client.tls_subject;
    out.push_back(std::move(item));
  }
  return out;
}

json::array sessions_json(const access::Context& context, const std::string& network_id) {
  json::array out;
  context.sessions.for_each([&](const std::shared_ptr<const access::Session>& session) {
    if (session->network_id != network_id || session->is_child()) return;
    out.push_back(json::object{{"role", "device"},
                               {"connected", true},
                               {"clientId", session->device_id},
                               {"address", session->address},
                               {"since", format_time(session->since)}});
  });
  return out;
}

}  // namespace jl::runtime

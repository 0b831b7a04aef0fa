#pragma once
// What the components that listen have in common: options out of configuration, certificates, addresses and counters
// for people.
#include "common/model/network.hpp"
#include "daemon/network/stream_connection.hpp"
#include "daemon/network/udp_server.hpp"
#include "daemon/runtime/component.hpp"

#include <string>
#include <vector>

namespace jl::runtime {

using Tls = std::shared_ptr<const network::TlsContext>;

/// The TLS (or, for datagrams, DTLS) context of a configuration; nullptr = in the clear. Errors: those of certs.
[[nodiscard]] Result<Tls> tls_of(const model::Listening& configuration, const CertSource& certs,
                                 bool datagrams = false);
/// Everything of a stream component's options that is not its protocol's, without TLS.
void fill_stream_options(network::StreamOptions& options, const std::string& id, const model::Listening& configuration);
/// "mqtts://0.0.0.0", for addresses whose port is known later.
[[nodiscard]] std::string place_of(model::NetworkType type, const model::Listening& configuration);

/// accepted, connected, ... of a stream component.
[[nodiscard]] boost::json::object counters_json(const network::StreamCounters& counters);
/// For lists of clients.
[[nodiscard]] boost::json::array clients_json(const std::vector<network::ConnectionInfo>& clients, const Clock& clock);
/// The same of devices without connections: their sessions on this component.
[[nodiscard]] boost::json::array sessions_json(const access::Context& context, const std::string& network_id);

}  // namespace jl::runtime

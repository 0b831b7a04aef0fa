// HTTP_SERVER (HTTP服务) and WEB_SOCKET_SERVER (WebSocket服务): one kind of listener, and the devices on it.
#include "daemon/access/http_access.hpp"
#include "daemon/network/http_server.hpp"
#include "daemon/runtime/listening.hpp"

#include <fmt/format.h>

namespace jl::runtime {
namespace json = boost::json;

namespace {

// One configuration for both types: what WEB_SOCKET_SERVER does not have keeps its default.
model::HttpServer configuration_of(model::NetworkType type, const json::object& configuration) {
  if (type == model::NetworkType::http_server) return model::from_json<model::HttpServer>(configuration);
  model::HttpServer out;
  static_cast<model::WebSocketServer&>(out) = model::from_json<model::WebSocketServer>(configuration);
  return out;
}

Result<network::HttpServerOptions> options_of(const std::string& id, model::NetworkType type,
                                              const model::HttpServer& c, const CertSource& certs) {
  network::HttpServerOptions out;
  fill_stream_options(out, id, c);
  out.max_header_bytes = static_cast<std::uint32_t>(c.max_header_size);
  out.max_body_bytes = static_cast<std::uint32_t>(c.max_body_size);
  out.request_timeout = std::chrono::seconds(c.request_timeout);
  out.idle_timeout = std::chrono::seconds(c.idle_timeout);
  out.headers = c.http_headers;
  out.websocket_only = type == model::NetworkType::web_socket_server;
  out.max_message_bytes = static_cast<std::uint32_t>(c.max_message_size);
  out.websocket_idle = std::chrono::seconds(c.web_socket_idle_timeout);
  out.websocket_ping = std::chrono::seconds(c.ping_interval);
  out.compression = c.compression;
  JL_TRY(out.tls, tls_of(c, certs));
  return out;
}

Millis silence_of(const model::HttpServer& c) { return c.session_timeout * 1000; }

// Who asks for firmware has nothing to do with the component's gateways.
class FrontDoor final : public network::HttpServerHandler {
 public:
  FrontDoor(std::string network_id, ota::Downloads& downloads, std::shared_ptr<access::HttpAccess> access)
      : network_id_(std::move(network_id)), downloads_(downloads), access_(std::move(access)) {}

  void on_request(network::HttpConnection& connection, const network::HttpRequest& request) override {
    if (ota::Downloads::is_download(request.path)) return connection.respond(downloads_.answer(network_id_, request));
    access_->on_request(connection, request);
  }
  void on_upgrade(network::HttpConnection& connection, const network::HttpRequest& request) override {
    access_->on_upgrade(connection, request);
  }
  void on_message(network::HttpConnection& connection, std::string_view message, bool text) override {
    access_->on_message(connection, message, text);
  }
  void on_close(network::HttpConnection& connection) override { access_->on_close(connection); }

 private:
  const std::string network_id_;
  ota::Downloads& downloads_;
  const std::shared_ptr<access::HttpAccess> access_;
};

class HttpServerComponent final : public Component {
 public:
  HttpServerComponent(std::string id, model::NetworkType type, std::shared_ptr<access::HttpAccess> access,
                      std::unique_ptr<network::HttpServer> server, const model::HttpServer& configuration,
                      const Clock& clock)
      : id_(std::move(id)),
        type_(type),
        access_(std::move(access)),
        server_(std::move(server)),
        place_(place_of(type, configuration)),
        clock_(clock),
        since_(clock.now()) {}

  Result<std::function<void()>> prepare(const json::object& json, const CertSource& certs) override {
    const auto configuration = configuration_of(type_, json);
    JL_TRY(auto options, options_of(id_, type_, configuration, certs));
    return std::function<void()>([this, options = std::move(options), silence = silence_of(configuration)] {
      server_->update(options);
      access_->set_silence(silence);
    });
  }
  void attach(std::shared_ptr<const access::AttachedGateways> gateways) override { access_->attach(gateways); }
  void stop(std::chrono::milliseconds drain) override {
    server_->stop(drain);
    access_->stop();
  }
  void list(ClientsDone done) const override {
    server_->list([done = std::move(done), &clock = clock_](const std::vector<network::ConnectionInfo>& clients) {
      done(clients_json(clients, clock));
    });
  }

  json::object status() const override {
    const auto& c = server_->counters();
    return {{"state", "running"},           {"address", fmt::format("{}:{}", place_, server_->port())},
            {"port", server_->port()},      {"connections", c.connections.load()},
            {"counters", counters_json(c)}, {"since", format_time(since_)}};
  }

 private:
  const std::string id_;
  const model::NetworkType type_;
  const std::shared_ptr<access::HttpAccess> access_;
  const std::unique_ptr<network::HttpServer> server_;
  const std::string place_;
  const Clock& clock_;
  const Millis since_;
};

}  // namespace

Result<std::unique_ptr<Component>> start_http_server(const Materials& materials, const std::string& id,
                                                     model::NetworkType type, const json::object& json,
                                                     const CertSource& certs,
                                                     std::shared_ptr<const access::AttachedGateways> gateways) {
  const auto configuration = configuration_of(type, json);
  JL_TRY(const auto options, options_of(id, type, configuration, certs));
  auto access =
      std::make_shared<access::HttpAccess>(materials.context, id, materials.threads, silence_of(configuration));
  access->attach(gateways);
  JL_TRY(auto server, network::HttpServer::start(options, materials.threads,
                                                 std::make_shared<FrontDoor>(id, materials.downloads, access)));
  return std::unique_ptr<Component>(std::make_unique<HttpServerComponent>(
      id, type, std::move(access), std::move(server), configuration, materials.context.clock));
}

}  // namespace jl::runtime

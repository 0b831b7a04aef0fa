#include "tests/integration/house.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <charconv>
#include <utility>

namespace jl::test {
namespace {

// The thing model of product "sensor".
constexpr std::string_view kThings = R"({"properties": [
    {"id": "temp", "name": "Temperature", "valueType": {"type": "double"}},
    {"id": "target", "name": "Target", "valueType": {"type": "int", "min": 5, "max": 35}},
    {"id": "serial", "name": "Serial", "valueType": {"type": "string"}, "expands": {"type": ["read"]}}],
  "functions": [{"id": "reboot", "name": "Reboot", "inputs": [{"id": "delay", "name": "Delay", "valueType": {"type": "int"}}]}]})";

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

std::string Reply::code() const { return code_of(json::serialize(body)); }

std::vector<std::string> Reply::problems() const {
  std::vector<std::string> out;
  const json::value list = at("problems");
  if (!list.is_array()) return out;
  for (const auto& problem : list.as_array()) {
    const Reply one{0, problem};
    out.push_back(one.text("object") + " " + one.text("field") + " " + one.text("code"));
  }
  return out;
}

json::value Reply::at(std::string_view path) const {
  const json::value* here = &body;
  while (!path.empty()) {
    const std::string_view step = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), step.size() + 1));
    if (here->is_object()) {
      here = here->as_object().if_contains(step);
    } else if (here->is_array()) {
      std::size_t index = 0;
      std::from_chars(step.data(), step.data() + step.size(), index);
      here = here->as_array().if_contains(index);
    } else {
      here = nullptr;
    }
    if (!here) return nullptr;
  }
  return *here;
}

std::string Reply::text(std::string_view path) const {
  const json::value found = at(path);
  return found.is_string() ? std::string(found.as_string()) : std::string();
}

std::int64_t Reply::number(std::string_view path) const {
  const json::value found = at(path);
  return found.is_int64() ? found.as_int64() : -1;
}

Reply Ctl::answer() {
  const Answer got = client_.read();
  Reply out{got.status, nullptr};
  boost::system::error_code ignored;
  if (!got.body.empty()) out.body = json::parse(got.body, ignored);
  return out;
}

Reply Ctl::call(std::string_view method, std::string_view target, std::string_view body, std::string_view headers) {
  send(method, target, body, headers);
  if (method == "HEAD") return {client_.read(true).status, nullptr};
  return answer();
}

void Ctl::stream(std::string_view method, std::string_view target, std::string_view body) {
  send(method, target, body, "Accept: application/x-ndjson\r\n");
  REQUIRE(client_.read_head().status == 200);
}

json::value Ctl::line() {
  for (;;) {
    if (const auto end = lines_.find('\n'); end != std::string::npos) {
      const json::value out = json::parse(lines_.substr(0, end));
      lines_.erase(0, end + 1);
      return out;
    }
    const auto piece = client_.chunk();
    if (!piece || piece->empty()) return nullptr;
    lines_ += *piece;
  }
}

std::uint16_t free_port() { return ForeignListener().port(); }

ForeignListener::ForeignListener(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback(port);
  REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd_, 1) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
}

void ForeignListener::release() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

House::House(const std::function<void(Config&)>& change) {
  config.node_id = "node-a";
  config.state_dir = folder / "state";
  config.socket = folder / "control.sock";
  config.threads = 2;
  config.roles = test_roles();
  config.log_level = log::Level::error;
  if (change) change(config);
  peer.set(caller(Role::admin));
  start();
}

void House::start() {
  auto started = App::start(config, clock, [this](int) { return peer.get(); });
  REQUIRE_MESSAGE(started.has_value(), (started ? std::string() : started.error().message));
  app = std::move(*started);
}

void House::restart() {
  stop();
  start();
}

Ctl House::ctl_as(Role role) {
  peer.set(caller(role));
  Ctl out = ctl();
  // The caller is looked up when the server accepts; an answered call shows that it has.
  CHECK(out.call("GET", "/v1/version").status == 200);
  peer.set(caller(Role::admin));
  return out;
}

Reply House::apply(std::string_view documents, std::string_view query) const {
  return call("POST", fmt::format("/v1/apply{}", query), fmt::format(R"({{"documents":{}}})", documents));
}

std::vector<std::string> House::history(const std::string& device) const {
  const Reply reply = call("GET", "/v1/devices/" + device + "/messages");
  std::vector<std::string> out;
  const json::value items = reply.at("items");
  REQUIRE(items.is_array());
  for (const auto& item : items.as_array()) out.insert(out.begin(), Reply{0, item}.text("type"));
  return out;
}

void House::provision() {
  Reply reply;
  for (int attempt = 0; attempt < 20; ++attempt) {
    port = free_port();
    reply = apply(join_documents(
        {network_manifest("net", port), R"({"kind": "protocol", "id": "official", "spec": {}})",
         R"({"kind": "gateway", "id": "gw", "spec": {"provider": "mqtt-server-gateway", "channelId": "net", "protocol": "official"}})",
         fmt::format(
             R"({{"kind": "product", "id": "sensor", "enabled": true, "spec": {{"accessId": "gw", "metadata": {}}}}})",
             kThings),
         device_manifest("d1", "sensor"), device_manifest("d2", "sensor")}));
    if (reply.code() != "address_in_use") break;
  }
  REQUIRE_MESSAGE(reply.status == 200, json::serialize(reply.body));
}

std::string network_manifest(std::string_view id, std::uint16_t port, std::string_view more) {
  return fmt::format(
      R"({{"kind": "network", "id": "{}", "spec": {{"type": "MQTT_SERVER", "configuration": {{"host": "127.0.0.1", "port": {}}}}}{}}})",
      id, port, more);
}

std::string device_manifest(std::string_view id, std::string_view product, std::string_view more) {
  return fmt::format(
      R"({{"kind": "device", "id": "{0}", "enabled": true, "spec": {{"productId": "{1}", "configuration": {{"secureId": "{0}", "secureKey": "key-{0}"}}{2}}}}})",
      id, product, more);
}

std::string join_documents(const std::vector<std::string>& documents) {
  return fmt::format("[{}]", fmt::join(documents, ","));
}

}  // namespace jl::test

#include "tests/integration/transports_support.hpp"

#include "daemon/codec/official/aes.hpp"

#include <fmt/format.h>
#include <atomic>

namespace jl::test {
namespace {

std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xFFu);
  return out;
}
std::size_t take_number(std::string_view& bytes, std::size_t count) {
  REQUIRE(bytes.size() >= count);
  std::size_t out = 0;
  for (const char c : bytes.substr(0, count)) out = out << 8 | static_cast<unsigned char>(c);
  bytes.remove_prefix(count);
  return out;
}
std::string take_text(std::string_view& bytes) {
  const std::size_t size = take_number(bytes, 2);
  REQUIRE(bytes.size() >= size);
  std::string out(bytes.substr(0, size));
  bytes.remove_prefix(size);
  return out;
}

}  // namespace

std::string component_manifest(const Way& way, std::string_view id, std::uint16_t port, std::string_view more) {
  return fmt::format(
      R"({{"kind":"network","id":"{}","spec":{{"type":"{}","configuration":{{"host":"127.0.0.1","port":{}{}}}}}{}}})",
      id, way.type, port, way.more, more);
}

std::string way_manifests(const Way& way, std::uint16_t port) {
  std::vector<std::string> all{
      component_manifest(way, fmt::format("{}-net", way.name), port),
      fmt::format(
          R"({{"kind":"gateway","id":"{0}-gw","spec":{{"provider":"{1}","channelId":"{0}-net","protocol":"official"}}}})",
          way.name, way.provider),
      fmt::format(
          R"({{"kind":"product","id":"{0}-p","enabled":true,"spec":{{"accessId":"{0}-gw","metadata":{{"properties":[{{"id":"temp","name":"t","valueType":{{"type":"int"}}}}]}}}}}})",
          way.name)};
  for (const int i : {1, 2}) {
    all.push_back(fmt::format(
        R"({{"kind":"device","id":"{0}-{1}","enabled":true,"spec":{{"productId":"{0}-p","configuration":{{"secureKey":"{2}","bearer_token":"token-{0}-{1}"}}}}}})",
        way.name, i, kKey));
  }
  return fmt::format("{}", fmt::join(all, ","));
}

WayHouse::WayHouse(const Way& way) : way_(way) {
  Reply reply;
  for (int attempt = 0; attempt < 20; ++attempt) {
    port = free_port();
    reply =
        house.apply(fmt::format(R"([{{"kind":"protocol","id":"official","spec":{{}}}},{}])", way_manifests(way, port)));
    if (reply.code() != "address_in_use") break;
  }
  REQUIRE_MESSAGE(reply.status == 200, json::serialize(reply.body));
}

std::string WayHouse::path(std::string_view kind, std::string_view suffix) const {
  return fmt::format("/v1/{}/{}", kind, name(suffix));
}

Reply WayHouse::edit(std::string_view kind, std::string_view suffix, std::string_view spec) const {
  return house.call("PATCH", path(kind, suffix), fmt::format(R"({{"spec":{}}})", spec));
}

Reply WayHouse::disable(std::string_view kind, std::string_view suffix) const {
  return house.call("POST", path(kind, suffix) + "/disable");
}

// ---- wire.md 5

std::string binary_text(std::string_view text) { return number(text.size(), 2).append(text); }

std::string binary_object(std::string_view key, std::int32_t n) {
  return number(1, 2) + binary_text(key) + '\x04' + number(static_cast<std::uint32_t>(n), 4);
}

std::string binary_message(const Binary& message) {
  return std::string(1, static_cast<char>(message.kind)) + number(1'700'000'000'000, 8) + number(message.sequence, 2) +
         binary_text(message.device) + message.body;
}

Binary parse_binary(std::string_view bytes) {
  Binary out;
  out.kind = static_cast<unsigned>(take_number(bytes, 1));
  (void)take_number(bytes, 8);
  out.sequence = static_cast<unsigned>(take_number(bytes, 2));
  out.device = take_text(bytes);
  out.body = bytes;
  return out;
}

void TcpDevice::send(unsigned kind, unsigned sequence, std::string_view body) {
  const std::string message = binary_message({kind, sequence, id_, std::string(body)});
  client_.send(number(message.size(), 4) + message);
}

Binary TcpDevice::receive() {
  const std::string head = client_.read(4);
  REQUIRE(head.size() == 4);
  std::string_view left = head;
  const std::size_t size = take_number(left, 4);
  const std::string message = client_.read(size);
  REQUIRE(message.size() == size);
  return parse_binary(message);
}

int TcpDevice::log_in(std::string_view key) {
  send(kOnline, 0, binary_text(key));
  const std::string head = client_.read(4);
  if (head.size() < 4) return -1;
  std::string_view left = head;
  const Binary ack = parse_binary(client_.read(take_number(left, 4)));
  REQUIRE(ack.kind == kAck);
  REQUIRE(ack.body.size() == 1);
  return ack.body[0];
}

void UdpDevice::send(unsigned kind, unsigned sequence, std::string_view body, std::string_view key) {
  client_.send(std::string(1, '\0') + binary_text(key) + binary_message({kind, sequence, id_, std::string(body)}));
}

std::pair<std::string, Binary> UdpDevice::receive() {
  const std::string datagram = client_.receive_bytes();
  REQUIRE_FALSE(datagram.empty());
  std::string_view left = std::string_view(datagram).substr(1);
  std::string key = take_text(left);
  return {std::move(key), parse_binary(left)};
}

int UdpDevice::report(std::int32_t temp, std::string_view key) {
  send(kReport, 3, binary_object("temp", temp), key);
  const auto [back, ack] = receive();
  REQUIRE(ack.kind == kAck);
  REQUIRE(back.empty());
  REQUIRE(ack.body.size() == 1);
  return ack.body[0];
}

int HttpDevice::post(std::string_view suffix, std::string_view body, std::string token) {
  if (token.empty()) token = "token-" + id_;
  client_.send(
      fmt::format("POST /p/{}/{} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{}", id_,
                  suffix, token, body.size(), body));
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const std::string byte = client_.read(1);
    if (byte.empty()) return 0;
    head += byte;
  }
  for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto length = head.find("content-length:");
  if (length != std::string::npos) (void)client_.read(static_cast<std::size_t>(std::stoul(head.substr(length + 15))));
  REQUIRE(head.size() > 12);
  return std::stoi(head.substr(9, 3));
}

int HttpDevice::report(int temp) {
  return post("properties/report", fmt::format(R"({{"properties":{{"temp":{}}}}})", temp));
}

int coap_report(const CoapClient& client, const std::string& id, int temp, std::string_view key) {
  static std::atomic<unsigned> next{1};  // message ids must differ, or the answer is that of the first
  std::string payload;
  REQUIRE(codec::official::aes_encrypt(key, fmt::format(R"({{"properties":{{"temp":{}}}}})", temp), payload));
  return client.ask(network::test::coap_post("p/" + id + "/properties/report", payload, next++)).code;
}

}  // namespace jl::test

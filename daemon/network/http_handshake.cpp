#include "daemon/network/http_handshake.hpp"

#include "daemon/wire/websocket/extensions.hpp"

#include <openssl/evp.h>
#include <algorithm>
#include <array>

namespace jl::network {
namespace {

constexpr std::size_t kKeySize = 24;  // the base64 of 16 bytes
constexpr std::string_view kKeyEnd = "==";

bool is_base64_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

HttpHandshake refused(int status, std::string_view detail) {
  HttpHandshake handshake;
  handshake.refusal = {status, detail};
  return handshake;
}

}  // namespace

std::optional<std::string> websocket_accept(std::string_view key) {
  if (key.size() != kKeySize || !key.ends_with(kKeyEnd)) return std::nullopt;
  if (!std::all_of(key.begin(), key.end() - kKeyEnd.size(), is_base64_char)) return std::nullopt;
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 §1.3
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) return std::nullopt;
  std::array<unsigned char, 4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return std::string(reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(length));
}

HttpHandshake judge_handshake(const HttpHead& head, bool compression) {
  if (head.method != "GET") return refused(400, "a WebSocket handshake is a GET");
  if (head.version < 11) return refused(400, "a WebSocket handshake needs HTTP/1.1");
  if (!head.connection_agrees) return refused(400, "Connection does not name upgrade");
  if (head.has_body) return refused(400, "a WebSocket handshake has no body");
  if (head.websocket_version != "13") return refused(426, "only WebSocket version 13 is understood");
  auto accept = websocket_accept(head.websocket_key);
  if (!accept) return refused(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  const auto chosen = wire::websocket::choose_deflate(head.websocket_extensions);
  if (!chosen) return refused(400, "Sec-WebSocket-Extensions is malformed");

  HttpHandshake handshake;
  handshake.accept = std::move(*accept);
  if (compression && *chosen) {
    handshake.extensions = wire::websocket::describe(**chosen);
    handshake.deflate_bits = (*chosen)->server_window_bits;
  }
  return handshake;
}

}  // namespace jl::network

#pragma once
// What a connection holds while it is a WebSocket.
#include "daemon/network/http_connection.hpp"

namespace jl::network {

struct HttpServerConnection::Link {
  Link(const HttpSettings& settings, const HttpHandshake& handshake, std::uint64_t commit_number)
      : machine(settings.max_message_bytes, handshake.deflate_bits > 0),
        upgraded_in(commit_number),
        deflate_bits(handshake.deflate_bits) {}
  wire::websocket::Machine machine;
  const std::uint64_t upgraded_in;  // the commit that the 101 belongs to
  Millis last_ping = 0;
  const std::uint8_t deflate_bits;  // 0 = messages are not compressed
  bool close_sent = false;
};

}  // namespace jl::network

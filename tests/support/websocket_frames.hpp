#pragma once
// WebSocket frames as a client writes them, built by hand so that tests share no code with what they test.
#include <zlib.h>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace jl::test {

struct ClientFrame {
  unsigned opcode = 1;
  std::string payload{};
  bool fin = true;
  unsigned reserved = 0;  ///< RSV1 = 4, RSV2 = 2, RSV3 = 1
  bool masked = true;
  std::string key = "\x37\xFA\x21\x3D";  ///< as in RFC 6455 §5.7
};

inline std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFFu));
  return out;
}

inline std::string frame(const ClientFrame& f) {
  const unsigned mask = f.masked ? 0x80 : 0;
  std::string out(1, static_cast<char>((f.fin ? 0x80u : 0u) | f.reserved << 4u | f.opcode));
  const std::size_t size = f.payload.size();
  if (size < 126) {
    out.push_back(static_cast<char>(mask | size));
  } else {
    out.push_back(static_cast<char>(mask | (size < 65536 ? 126u : 127u)));
    out += big_endian(size, size < 65536 ? 2 : 8);
  }
  if (!f.masked) return out + f.payload;
  out += f.key;
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(f.payload[i] ^ f.key[i % 4]));
  return out;
}

inline std::string text_frame(std::string payload) { return frame({.payload = std::move(payload)}); }
inline std::string close_frame(std::uint64_t code, std::string_view reason = {}) {
  return frame({.opcode = 8, .payload = big_endian(code, 2).append(reason)});
}

/// A frame of a server: its first byte, a short length, the payload in the clear.
inline std::string server_frame(unsigned first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(payload.size()));
  } else if (payload.size() < 65536) {
    out.append("\x7E").append(big_endian(payload.size(), 2));
  } else {
    out.append("\x7F").append(big_endian(payload.size(), 8));
  }
  return out.append(payload);
}
inline std::string server_close(std::uint64_t code, std::string_view reason = {}) {
  return server_frame(0x88, big_endian(code, 2).append(reason));
}

/// What permessage-deflate makes of a message (RFC 7692 §7.2.1), with the whole output as one call of zlib gives it.
inline std::string deflated(std::string_view message, int level = 6, int bits = 15) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("zlib");
  std::string out(message.size() + message.size() / 64 + 1024, '\0');
  std::string in(message);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_SYNC_FLUSH) != Z_OK) throw std::runtime_error("zlib");
  out.resize(stream.total_out - 4);
  deflateEnd(&stream);
  return out;
}

/// The reverse, for what a server sent.
inline std::string inflated(std::string_view payload, int bits = 15) {
  z_stream stream{};
  if (inflateInit2(&stream, -bits) != Z_OK) throw std::runtime_error("zlib");
  std::string in = std::string(payload) + std::string("\x00\x00\xFF\xFF", 4);
  std::string out(std::size_t{1} << 20u, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_SYNC_FLUSH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  if (result != Z_OK) throw std::runtime_error("not deflated");
  return out;
}

}  // namespace jl::test

#include "daemon/wire/websocket/frames.hpp"

#include "common/base/assert.hpp"
#include "daemon/wire/websocket/deflate.hpp"

namespace jl::wire::websocket {
namespace {

constexpr std::size_t kWorthCompressing = 128;  // bytes; below, the gain is smaller than a packet's padding

void append_number(std::string& out, std::uint64_t value, int bytes) {
  while (bytes-- > 0) out.push_back(static_cast<char>(value >> (8 * static_cast<unsigned>(bytes)) & 0xFFu));
}

// A server masks nothing (RFC 6455 §5.1).
void append_frame(std::string& out, Opcode opcode, std::string_view payload, unsigned reserved = 0) {
  out.push_back(static_cast<char>(kFin | reserved | static_cast<unsigned>(opcode)));
  if (payload.size() < kLength16) {
    append_number(out, payload.size(), 1);
  } else if (payload.size() <= UINT16_MAX) {
    append_number(out, kLength16, 1);
    append_number(out, payload.size(), 2);
  } else {
    append_number(out, kLength64, 1);
    append_number(out, payload.size(), 8);
  }
  out.append(payload);
}

std::string_view cut_reason(std::string_view reason) {
  if (reason.size() <= kMaxCloseReason) return reason;
  std::size_t end = kMaxCloseReason;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0u) == 0x80u) --end;
  return reason.substr(0, end);
}

}  // namespace

bool is_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

void append_message(std::string& out, std::string_view message, bool text, int window_bits) {
  const Opcode opcode = text ? Opcode::text : Opcode::binary;
  std::string compressed;
  if (window_bits > 0 && message.size() >= kWorthCompressing && deflate_message(message, window_bits, compressed)) {
    return append_frame(out, opcode, compressed, kRsv1);
  }
  append_frame(out, opcode, message);
}

void append_ping(std::string& out, std::string_view payload) {
  JL_ASSERT(payload.size() <= kMaxControlPayload);
  append_frame(out, Opcode::ping, payload);
}

void append_pong(std::string& out, std::string_view payload) {
  JL_ASSERT(payload.size() <= kMaxControlPayload);
  append_frame(out, Opcode::pong, payload);
}

void append_close(std::string& out, std::uint16_t code, std::string_view reason) {
  if (code == kNoStatus) return append_frame(out, Opcode::close, {});
  std::string payload;
  append_number(payload, is_close_code(code) ? code : kInternalError, 2);
  append_frame(out, Opcode::close, payload.append(cut_reason(reason)));
}

}  // namespace jl::wire::websocket

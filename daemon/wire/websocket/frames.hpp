#pragma once
// WebSocket frames as a server writes them (RFC 6455 §5), and the close codes (§7.4). Pure: bytes are appended to a
// buffer, nothing is sent.
#include <cstdint>
#include <string>
#include <string_view>

namespace jl::wire::websocket {

/// RFC 6455 §5.2. Those from 8 on are control frames.
enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// RFC 6455 §7.4.1 and the IANA registry of close codes.
inline constexpr std::uint16_t kNormalClosure = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kNoStatus = 1005;  ///< never sent: the close frame had no code
inline constexpr std::uint16_t kInvalidPayload = 1007;
inline constexpr std::uint16_t kMessageTooBig = 1009;
inline constexpr std::uint16_t kInternalError = 1011;
inline constexpr std::uint16_t kBadGateway = 1014;

inline constexpr std::size_t kMaxControlPayload = 125;                       ///< RFC 6455 §5.5
inline constexpr std::size_t kMaxCloseReason = kMaxControlPayload - 2;       ///< behind the code
inline constexpr unsigned kFin = 0x80, kRsv1 = 0x40, kRsv23 = 0x30;          ///< bits of a frame's first byte
inline constexpr unsigned kMasked = 0x80, kLength16 = 126, kLength64 = 127;  ///< of its second

/// Whether a close frame may carry the code: 1000-1003, 1007-1014 and 3000-4999.
[[nodiscard]] bool is_close_code(std::uint16_t code);

/// One whole message in one frame. `window_bits` of what was agreed on (extensions.hpp): compressed if that makes it
/// smaller; 0 = never.
void append_message(std::string& out, std::string_view message, bool text, int window_bits);
/// `payload` is at most kMaxControlPayload bytes.
void append_ping(std::string& out, std::string_view payload = {});
void append_pong(std::string& out, std::string_view payload);
/// Without a code when that is kNoStatus. A code that no frame may carry becomes kInternalError; a reason that is too
/// long is cut between two characters.
void append_close(std::string& out, std::uint16_t code, std::string_view reason);

}  // namespace jl::wire::websocket

#pragma once
// The receiving side of a server's WebSocket connection (RFC 6455) as a pure machine: bytes in, events out. It holds
// the message that is not complete yet and nothing else; idle that is a hundred bytes. It sends nothing: its owner
// answers pings and closes with frames.hpp. No socket, no clock, no thread.
#include "daemon/wire/websocket/frames.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jl::wire::websocket {

/// What a machine tells its owner, synchronously, while it is fed. Views die with the call. An event may call ignore()
/// and stop() of its machine, but neither feed nor destroy it.
class MachineEvents {
 public:
  /// A whole message, put together and decompressed. Text is valid UTF-8.
  virtual void on_message(std::string_view message, bool text) = 0;
  /// To be answered with a pong of the same payload (RFC 6455 §5.5.2).
  virtual void on_ping(std::string_view payload) = 0;
  virtual void on_pong(std::string_view payload) { (void)payload; }
  /// The peer's close frame; kNoStatus when it has no code. The last event: input is ignored from now on.
  virtual void on_close(std::uint16_t code, std::string_view reason) = 0;
  /// The peer broke the protocol or a limit: send a close frame with this code and close (RFC 6455 §7.1.7). The last
  /// event, too. `detail` is for logs.
  virtual void on_failure(std::uint16_t code, std::string_view detail) = 0;

 protected:
  ~MachineEvents() = default;
};

class Machine {
 public:
  /// `max_message` bounds a message in bytes, put together and decompressed; at most 2 GiB. `inflates`:
  /// permessage-deflate was agreed on.
  Machine(std::uint32_t max_message, bool inflates);

  /// Takes bytes from the peer. Never throws but for want of memory.
  void feed(std::string_view in, MachineEvents& events);
  /// Messages and pings are of no interest any more, because we have sent a close frame: they are checked less and not
  /// reported.
  void ignore() { ignores_ = true; }
  /// Nothing is of interest any more.
  void stop() { stopped_ = true; }
  /// Bytes held for a message or a frame that is not complete.
  [[nodiscard]] std::size_t held_bytes() const { return message_.size() + control_.size(); }

 private:
  struct Failure;
  void take_head(std::string_view& in, MachineEvents& events);
  void take_payload(std::string_view& in);
  [[nodiscard]] Failure judge_head() const;
  [[nodiscard]] Failure judge_length(std::uint64_t length, bool minimal) const;
  void end_frame(MachineEvents& events);
  void end_control(MachineEvents& events);
  void end_close(MachineEvents& events);
  void end_message(MachineEvents& events);
  void fail(const Failure& failure, MachineEvents& events);
  [[nodiscard]] Opcode opcode() const { return static_cast<Opcode>(head_[0] & 0x0Fu); }
  [[nodiscard]] bool is_control() const { return (head_[0] & 0x08u) != 0; }
  [[nodiscard]] std::size_t head_size() const;

  std::string message_;                 // payload so far of the message at hand, unmasked
  std::string control_;                 // payload so far of the control frame at hand, unmasked
  std::uint64_t left_ = 0;              // payload bytes of the frame at hand that are to come
  const std::uint32_t max_message_;     // bytes
  std::array<unsigned char, 14> head_;  // of the frame at hand: RFC 6455 §5.2 up to the masking key
  std::uint8_t head_have_ = 0;          // bytes of it
  std::uint8_t mask_at_ = 0;            // which byte of the key is next
  Opcode message_type_ = Opcode::text;  // of the message at hand
  const bool inflates_ : 1;
  bool in_payload_ : 1 = false;
  bool in_message_ : 1 = false;  // between the first frame of a message and the end of its last
  bool compressed_ : 1 = false;  // that message
  bool ignores_ : 1 = false;
  bool stopped_ : 1 = false;
};

}  // namespace jl::wire::websocket

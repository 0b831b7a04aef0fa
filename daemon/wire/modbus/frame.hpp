#pragma once
// What carries PDUs: the MBAP header of Modbus TCP (Modbus messaging on TCP/IP V1.0b §3.1.3), and RTU frames with their
// CRC (Modbus over serial line V1.02 §2.5.1), which also travel over TCP. Streams come cut anywhere; memory is bounded.
#include "daemon/wire/modbus/pdu.hpp"

#include <functional>

namespace jl::wire::modbus {

struct Frame {
  std::uint16_t transaction = 0;  ///< TCP only
  std::uint8_t unit = 0;
  std::string_view pdu;  ///< valid during the call
};

[[nodiscard]] std::uint16_t crc16(std::string_view bytes);
[[nodiscard]] std::string tcp_frame(std::uint16_t transaction, std::uint8_t unit, std::string_view pdu);
[[nodiscard]] std::string rtu_frame(std::uint8_t unit, std::string_view pdu);

/// Finds the frames of servers in a stream of bytes. `take` may call reset(), which drops the rest of the bytes that
/// were fed, too; not feed().
class Framer {
 public:
  using Take = std::function<void(const Frame&)>;
  virtual ~Framer() = default;
  /// Takes bytes in; calls `take` for each whole frame. Errors: invalid: the stream cannot be followed any more
  /// (TCP: a length or protocol id that cannot be), the connection must end. RTU never fails: it searches on.
  [[nodiscard]] virtual Status feed(std::string_view bytes, const Take& take) = 0;
  /// Forgets what is begun: after silence on a serial line, or for a new connection.
  virtual void reset() = 0;
  /// What is begun will not be finished: the peer was silent for too long. RTU: a byte of noise may have passed for the
  /// begin of a longer frame; frames that begin behind it are taken now. Leaves nothing pending.
  virtual void on_silence(const Take& take) = 0;
  /// Bytes that belonged to no frame, since the start.
  [[nodiscard]] virtual std::uint64_t garbage() const = 0;
  /// Bytes that wait for the rest of their frame; at most 260.
  [[nodiscard]] virtual std::size_t pending() const = 0;
};

class TcpFramer final : public Framer {
 public:
  [[nodiscard]] Status feed(std::string_view bytes, const Take& take) override;
  void reset() override;
  void on_silence(const Take&) override { reset(); }
  [[nodiscard]] std::uint64_t garbage() const override { return 0; }
  [[nodiscard]] std::size_t pending() const override { return buffer_.size(); }

 private:
  std::string buffer_;
  std::uint32_t resets_ = 0;
};

/// A frame begins wherever unit, function, length and CRC fit together; what stands before is garbage. The length is
/// what the reply itself tells (reply_length()).
class RtuFramer final : public Framer {
 public:
  [[nodiscard]] Status feed(std::string_view bytes, const Take& take) override;
  void reset() override;
  void on_silence(const Take& take) override;
  [[nodiscard]] std::uint64_t garbage() const override { return garbage_; }
  [[nodiscard]] std::size_t pending() const override { return buffer_.size(); }

 private:
  bool search(const Take& take);

  std::string buffer_;
  std::uint64_t garbage_ = 0;
  std::uint32_t resets_ = 0;
};

}  // namespace jl::wire::modbus

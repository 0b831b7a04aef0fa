#pragma once
// A serial line of this machine, opened for one user alone and set up with libmodbus. Not blocking.
#include "common/base/result.hpp"
#include "daemon/network/client_stream.hpp"
#include "daemon/network/stream.hpp"

#include <linux/serial.h>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct _modbus;  // libmodbus' modbus_t

namespace jl::network {

class SerialLine {
 public:
  /// Opens and sets the device, raw, and drops input that lies there from before. It is ours alone until it is closed:
  /// flock() keeps others out who ask for it as well (us, picocom), TIOCEXCL the rest but root.
  /// Errors, each beginning with the device: not_found, denied, address_in_use, invalid (no serial device, a setting
  /// that its driver does not have), network.
  [[nodiscard]] static Result<std::unique_ptr<SerialLine>> open(const SerialOptions& options);
  /// Drops what the line has not sent yet, because waiting for that would block; the device gets its settings back.
  ~SerialLine();
  SerialLine(const SerialLine&) = delete;
  SerialLine& operator=(const SerialLine&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& device() const { return device_; }
  /// ok, would_block, end (the device is gone) or failed; errno tells why it failed.
  [[nodiscard]] IoResult read_some(std::span<char> buffer) const;
  [[nodiscard]] IoResult write_some(std::string_view bytes) const;

 private:
  struct Free {
    void operator()(_modbus* context) const;
  };
  explicit SerialLine(std::string device) : device_(std::move(device)) {}
  [[nodiscard]] Status lock();
  [[nodiscard]] Status set_up(const SerialOptions& options);
  [[nodiscard]] Status switch_direction();
  [[nodiscard]] Error failure(int error) const;

  const std::string device_;
  int lock_ = -1;                            // the descriptor that holds the flock
  std::unique_ptr<_modbus, Free> context_;   // kept for the device's old settings, which it restores
  int fd_ = -1;                              // the context's
  std::optional<serial_rs485> direction_{};  // as it was before
};

}  // namespace jl::network

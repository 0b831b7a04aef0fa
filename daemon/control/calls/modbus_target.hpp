#pragma once
// Whom a request of people over Modbus goes to: a channel of the store, or a place that is dialled for it alone.
#include "daemon/control/server.hpp"
#include "daemon/runtime/modbus.hpp"

#include <memory>
#include <string>
#include <vector>

namespace jl::control {

/// One or a few requests of one caller. Gives a temporary channel up when it goes.
class ModbusTalk : public std::enable_shared_from_this<ModbusTalk> {
 public:
  /// Finds the channel, or dials the place (tcp://HOST[:PORT], rtu-over-tcp://, tls://, rtu:///dev/NAME, with fields of
  /// a channel as query). Errors: not_found, disabled, bad_request naming `target`, those of certs.
  [[nodiscard]] static Result<std::shared_ptr<ModbusTalk>> open(runtime::Modbus& modbus,
                                                                const device::Catalogs& catalogs,
                                                                const std::string& target);
  ModbusTalk(runtime::Modbus& modbus, std::string channel, std::string address, model::ModbusOrder order,
             bool temporary)
      : modbus_(modbus),
        channel_(std::move(channel)),
        address_(std::move(address)),
        order_(order),
        temporary_(temporary) {}
  ~ModbusTalk();
  ModbusTalk(const ModbusTalk&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] model::ModbusOrder order() const { return order_; }
  [[nodiscard]] bool is_temporary() const { return temporary_; }

  /// Keeps the frames from now on; before the first request.
  void trace();
  /// The frames so far: [{"direction","hex"}].
  [[nodiscard]] boost::json::array frames() const { return frames_ ? *frames_ : boost::json::array(); }

  /// Runs work on the channel's thread; `gone` when it does not run any more.
  void with(std::function<void(modbus::Channel&)> work, std::function<void(const Status&)> gone);
  /// Sends one request and answers on the channel's thread. Outcome::data is valid during the call.
  void request(std::uint8_t unit, const wire::modbus::Request& request, modbus::Priority priority, Millis timeout,
               std::function<void(const modbus::Outcome&)> done);

 private:
  runtime::Modbus& modbus_;
  const std::string channel_, address_;
  const model::ModbusOrder order_;
  const bool temporary_;
  std::shared_ptr<modbus::Tap> tap_;
  std::shared_ptr<boost::json::array> frames_;  // filled and read on the channel's thread
};

/// How a request ended as an error that names unit, function and address; ok for an outcome that is.
[[nodiscard]] Status modbus_status(const modbus::Outcome& outcome, std::uint8_t unit, const modbus::Format& format);

}  // namespace jl::control

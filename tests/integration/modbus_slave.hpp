#pragma once
// A Modbus TCP slave of libmodbus on a thread of its own: register n holds n until it is written. One connection at a
// time; ends with its owner.
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace jl::test {

class ModbusSlave {
 public:
  ModbusSlave();
  ~ModbusSlave();
  ModbusSlave(const ModbusSlave&) = delete;
  /// Closes its connection and takes no more.
  void stop();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint16_t holding(std::uint16_t address) const;
  void set_holding(std::uint16_t address, std::uint16_t value);
  /// Requests so far.
  [[nodiscard]] int requests() const { return requests_.load(); }

 private:
  struct Impl;
  void serve();
  const std::unique_ptr<Impl> impl_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;  // the registers
  std::atomic<int> requests_{0};
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

}  // namespace jl::test

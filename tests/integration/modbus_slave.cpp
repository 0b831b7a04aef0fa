#include "tests/integration/modbus_slave.hpp"

#include <doctest/doctest.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <cerrno>

namespace jl::test {
namespace {
constexpr int kRegisters = 1000;
}  // namespace

struct ModbusSlave::Impl {
  modbus_t* context = modbus_new_tcp("127.0.0.1", 0);
  modbus_mapping_t* map = modbus_mapping_new(kRegisters, kRegisters, kRegisters, kRegisters);
  int listener = -1;
  ~Impl() {
    if (listener >= 0) ::close(listener);
    modbus_mapping_free(map);
    modbus_free(context);
  }
};

ModbusSlave::ModbusSlave() : impl_(std::make_unique<Impl>()) {
  for (int i = 0; i < kRegisters; ++i) {
    impl_->map->tab_registers[i] = impl_->map->tab_input_registers[i] = static_cast<std::uint16_t>(i);
    impl_->map->tab_bits[i] = impl_->map->tab_input_bits[i] = i % 3 == 0 ? 1 : 0;
  }
  impl_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(impl_->listener, raw, size) == 0);
  REQUIRE(::listen(impl_->listener, 8) == 0);
  REQUIRE(::getsockname(impl_->listener, raw, &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

ModbusSlave::~ModbusSlave() { stop(); }

void ModbusSlave::stop() {
  if (ends_.exchange(true)) return;
  ::shutdown(impl_->listener, SHUT_RDWR);
  thread_.join();
}

void ModbusSlave::serve() {
  std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> query{};
  while (!ends_) {
    const int client = ::accept(impl_->listener, nullptr, nullptr);
    if (client < 0) return;
    modbus_set_socket(impl_->context, client);
    while (!ends_) {
      fd_set ready;
      FD_ZERO(&ready);
      FD_SET(client, &ready);
      timeval wait{0, 50'000};
      if (::select(client + 1, &ready, nullptr, nullptr, &wait) <= 0) continue;
      const int got = modbus_receive(impl_->context, query.data());
      if (got < 0) break;
      ++requests_;
      const std::scoped_lock lock(mutex_);
      if (modbus_reply(impl_->context, query.data(), got, impl_->map) < 0) break;
    }
    ::close(client);
  }
}

std::uint16_t ModbusSlave::holding(std::uint16_t address) const {
  const std::scoped_lock lock(mutex_);
  return impl_->map->tab_registers[address];
}

void ModbusSlave::set_holding(std::uint16_t address, std::uint16_t value) {
  const std::scoped_lock lock(mutex_);
  impl_->map->tab_registers[address] = value;
}

}  // namespace jl::test

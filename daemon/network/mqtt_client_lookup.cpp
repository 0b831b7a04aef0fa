#include "daemon/network/mqtt_client_lookup.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <array>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace jl::network {
namespace {

constexpr std::size_t kMostAddresses = 8;

bool is_numeric(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 || ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

Result<Lookup::Addresses> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  Lookup::Addresses addresses;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) == 0) {
    for (const addrinfo* each = found; each != nullptr && addresses.size() < kMostAddresses; each = each->ai_next) {
      std::array<char, NI_MAXHOST> text{};
      if (::getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0) {
        addresses.emplace_back(text.data());
      }
    }
    ::freeaddrinfo(found);
  }
  if (addresses.empty()) return Error{Errc::network, fmt::format("cannot resolve host \"{}\"", host)};
  return addresses;
}

}  // namespace

struct Lookup::Call {
  std::mutex mutex;
  IoThread* thread;  // nullptr: reported or given up; the I/O thread may be gone by then
  Done done;

  Call(IoThread& io, Done on_done) : thread(&io), done(std::move(on_done)) {}

  Done take() {
    const std::scoped_lock lock(mutex);
    return std::exchange(thread, nullptr) == nullptr ? nullptr : std::move(done);
  }
};

void Lookup::start(const std::string& host, IoThread& thread, Done done) {
  if (is_numeric(host)) return done(Addresses{host});
  call_ = std::make_shared<Call>(thread, std::move(done));
  try {
    std::thread([call = call_, host] {
      auto result = resolve(host);
      const std::scoped_lock lock(call->mutex);
      if (call->thread == nullptr) return;
      call->thread->post([call, result = std::move(result)] {
        if (const Done report = call->take()) report(result);
      });
    }).detach();
  } catch (const std::system_error& e) {
    if (const Done report = call_->take()) {
      report(Error{Errc::network, fmt::format("cannot resolve host \"{}\": {}", host, e.what())});
    }
  }
}

bool Lookup::is_running() const {
  if (call_ == nullptr) return false;
  const std::scoped_lock lock(call_->mutex);
  return call_->thread != nullptr;
}

void Lookup::give_up() {
  if (call_ != nullptr) call_->take();
}

}  // namespace jl::network

#pragma once
// Name resolution that cannot hold up an I/O thread: getaddrinfo() on a thread of its own, which ends by itself. One
// that is given up says nothing any more, since the system's resolver cannot be interrupted.
#include "common/base/result.hpp"
#include "daemon/network/io_thread.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace jl::network {

/// Used on one I/O thread.
class Lookup {
 public:
  using Addresses = std::vector<std::string>;  ///< numeric, in the system's order of preference, 8 at most
  using Done = std::function<void(Result<Addresses>)>;

  Lookup() = default;
  ~Lookup() { give_up(); }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  /// Calls `done` on the thread, at once for a numeric address. Errors: network. Not while one is on its way.
  void start(const std::string& host, IoThread& thread, Done done);
  [[nodiscard]] bool is_running() const;
  /// `done` is not called any more.
  void give_up();

 private:
  struct Call;
  std::shared_ptr<Call> call_;
};

}  // namespace jl::network

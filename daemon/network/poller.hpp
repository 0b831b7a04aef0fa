#pragma once
// The sockets of one I/O thread: an epoll descriptor (level-triggered) and the table of who watches what. An event
// names a slot and its generation, never a pointer, so one that was fetched for a member that has gone meanwhile finds
// nobody. The descriptor is itself pollable: readable when any socket is ready.
#include "daemon/network/io_thread.hpp"

#include <sys/epoll.h>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace jl::network {

class Poller {
 public:
  /// A member as it was at some time; find() tells whether it still is.
  struct Ref {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
  };
  struct Event {
    Ref member;
    bool readable = false;
    bool writable = false;
  };
  static constexpr std::size_t kMaxEvents = 256;

  /// Throws std::system_error when the kernel has no descriptor left.
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  Status watch(int fd, TurnMember& member);
  void want_read(int fd, TurnMember& member, bool on);
  void want_write(int fd, TurnMember& member, bool on);
  /// Whether the member was watched.
  bool forget(int fd, TurnMember& member);

  /// Fetches what is ready now, without waiting: how many events, at most kMaxEvents.
  [[nodiscard]] std::size_t poll();
  [[nodiscard]] Event event(std::size_t index) const;
  [[nodiscard]] TurnMember* find(Ref member) const;

  /// Marks a watched member once: nothing when it is marked already or not watched.
  [[nodiscard]] std::optional<Ref> mark(const WatchSlot& member);
  void unmark(Ref member);

 private:
  struct Slot {
    TurnMember* member = nullptr;
    std::uint32_t generation = 0;
    bool reads = false;
    bool writes = false;
    bool marked = false;
  };
  Slot* slot_of(const WatchSlot& member);
  void apply(int fd, const WatchSlot& member, const Slot& slot) const;

  int descriptor_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::array<epoll_event, kMaxEvents> events_;
};

}  // namespace jl::network

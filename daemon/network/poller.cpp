#include "daemon/network/poller.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <cerrno>
#include <system_error>

namespace jl::network {
namespace {

constexpr std::uint32_t kUnwatched = UINT32_MAX;

std::uint64_t pack(std::uint32_t slot, std::uint32_t generation) {
  return (static_cast<std::uint64_t>(generation) << 32u) | slot;
}

// EPOLLRDHUP goes with reading: level-triggered, it would otherwise spin while a member holds back.
std::uint32_t mask(bool reads, bool writes) {
  return (reads ? static_cast<std::uint32_t>(EPOLLIN | EPOLLRDHUP) : 0u) |
         (writes ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
}

}  // namespace

Poller::Poller() : descriptor_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Poller::~Poller() { ::close(descriptor_); }

Poller::Slot* Poller::slot_of(const WatchSlot& member) {
  return member.slot_ == kUnwatched ? nullptr : &slots_[member.slot_];
}

void Poller::apply(int fd, const WatchSlot& member, const Slot& slot) const {
  epoll_event event{};
  event.events = mask(slot.reads, slot.writes);
  event.data.u64 = pack(member.slot_, slot.generation);
  ::epoll_ctl(descriptor_, EPOLL_CTL_MOD, fd, &event);
}

Status Poller::watch(int fd, TurnMember& member) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  Slot& slot = slots_[index];
  epoll_event event{};
  event.events = mask(true, false);
  event.data.u64 = pack(index, slot.generation);
  if (::epoll_ctl(descriptor_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return Error{Errc::network, fmt::format("watch socket: {}", std::generic_category().message(errno))};
  }
  free_.pop_back();
  slot.member = &member;
  slot.reads = true;
  slot.writes = slot.marked = false;
  member.slot_ = index;
  return {};
}

void Poller::want_read(int fd, TurnMember& member, bool on) {
  Slot* slot = slot_of(member);
  if (slot == nullptr || slot->reads == on) return;
  slot->reads = on;
  apply(fd, member, *slot);
}

void Poller::want_write(int fd, TurnMember& member, bool on) {
  Slot* slot = slot_of(member);
  if (slot == nullptr || slot->writes == on) return;
  slot->writes = on;
  apply(fd, member, *slot);
}

bool Poller::forget(int fd, TurnMember& member) {
  Slot* slot = slot_of(member);
  if (slot == nullptr) return false;
  ::epoll_ctl(descriptor_, EPOLL_CTL_DEL, fd, nullptr);
  slot->member = nullptr;
  ++slot->generation;
  free_.push_back(member.slot_);
  member.slot_ = kUnwatched;
  return true;
}

std::size_t Poller::poll() {
  const int count = ::epoll_wait(descriptor_, events_.data(), static_cast<int>(events_.size()), 0);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

Poller::Event Poller::event(std::size_t index) const {
  const epoll_event& event = events_[index];
  const std::uint64_t data = event.data.u64;
  const std::uint32_t bits = event.events;
  return {.member = {static_cast<std::uint32_t>(data), static_cast<std::uint32_t>(data >> 32u)},
          .readable = (bits & static_cast<std::uint32_t>(EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
          .writable = (bits & static_cast<std::uint32_t>(EPOLLOUT)) != 0};
}

TurnMember* Poller::find(Ref member) const {
  const Slot& slot = slots_[member.slot];
  return slot.generation == member.generation ? slot.member : nullptr;
}

std::optional<Poller::Ref> Poller::mark(const WatchSlot& member) {
  Slot* slot = slot_of(member);
  if (slot == nullptr || slot->marked) return std::nullopt;
  slot->marked = true;
  return Ref{member.slot_, slot->generation};
}

void Poller::unmark(Ref member) {
  Slot& slot = slots_[member.slot];
  if (slot.generation == member.generation) slot.marked = false;
}

}  // namespace jl::network

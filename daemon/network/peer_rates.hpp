#pragma once
// How many datagrams each address sent in the second at hand, in a table of fixed size: addresses can be forged, so
// that a table that remembers all of them would grow without end. When there is no place, the one that sent least is
// forgotten, which is never the flooder.
#include "common/base/time.hpp"
#include "daemon/network/address.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace jl::network {

class PeerRates {
 public:
  static constexpr std::size_t kSets = 1024;
  static constexpr std::size_t kWays = 4;

  /// Counts one datagram; whether it is among the first `limit` of its second.
  [[nodiscard]] bool allow(const PeerAddress& peer, std::uint32_t limit, Millis steady_now) {
    if (table_.empty()) table_.resize(kSets * kWays);
    const std::uint64_t tag = peer.hash();
    const auto second = static_cast<std::uint32_t>(steady_now / 1000);
    const auto set = table_.begin() + static_cast<std::ptrdiff_t>((tag % kSets) * kWays);
    const auto end = set + static_cast<std::ptrdiff_t>(kWays);
    auto entry = std::find_if(set, end, [&](const Entry& e) { return e.tag == tag && e.second == second; });
    if (entry == end) {
      entry = std::min_element(
          set, end, [second](const Entry& a, const Entry& b) { return a.count_in(second) < b.count_in(second); });
      *entry = {tag, second, 0};
    }
    if (entry->count >= limit) return false;
    ++entry->count;
    return true;
  }

 private:
  struct Entry {
    std::uint64_t tag = 0;
    std::uint32_t second = 0;
    std::uint32_t count = 0;
    [[nodiscard]] std::uint32_t count_in(std::uint32_t now) const { return second == now ? count : 0; }
  };
  static_assert(sizeof(Entry) == 16);
  std::vector<Entry> table_;  // made with the first datagram: 64 KiB
};

}  // namespace jl::network

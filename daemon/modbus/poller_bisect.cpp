#include "daemon/modbus/poller_bisect.hpp"

#include "common/base/assert.hpp"

#include <algorithm>

namespace jl::modbus {

Bisection::Bisection(std::vector<std::uint16_t> addresses) : addresses_(std::move(addresses)) {
  JL_ASSERT(addresses_.size() >= 2);
  nodes_.push_back({{0, addresses_.size()}, Verdict::refused});
  halve(0);
}

// The place nearest to the middle where a new address begins, since no cut divides points of one address; these are
// halved by number, only to find out which of them are refused.
std::size_t Bisection::middle_of(const Part& part) const {
  const std::size_t middle = part.begin + part.size() / 2;
  for (std::size_t step = 0; step < part.size(); ++step) {
    for (const std::size_t at : {middle + step, middle - step}) {
      if (at > part.begin && at < part.end && addresses_[at] != addresses_[at - 1]) return at;
    }
  }
  return middle;
}

void Bisection::halve(std::size_t node) {
  const Part whole = nodes_[node].part;
  const std::size_t middle = middle_of(whole);
  nodes_[node].left = nodes_.size();
  nodes_.push_back({{whole.begin, middle}});
  nodes_[node].right = nodes_.size();
  nodes_.push_back({{middle, whole.end}});
  open_ += 2;
}

std::vector<Bisection::Part> Bisection::first() const { return {nodes_[1].part, nodes_[2].part}; }

std::vector<Bisection::Part> Bisection::answer(const Part& part, Verdict verdict) {
  const auto found = std::find_if(nodes_.rbegin(), nodes_.rend(), [&](const Node& node) { return node.part == part; });
  JL_ASSERT(found != nodes_.rend() && open_ > 0);
  --open_;
  found->verdict = verdict;
  if (verdict != Verdict::refused || part.size() < 2) return {};
  const auto node = static_cast<std::size_t>(nodes_.rend() - found) - 1;
  halve(node);
  return {nodes_[nodes_[node].left].part, nodes_[nodes_[node].right].part};
}

std::vector<std::size_t> Bisection::refused() const {
  std::vector<std::size_t> points;
  for (const Node& node : nodes_) {
    if (node.part.size() == 1 && node.verdict == Verdict::refused) points.push_back(node.part.begin);
  }
  std::sort(points.begin(), points.end());
  return points;
}

std::vector<std::uint16_t> Bisection::cuts() const {
  std::vector<std::uint16_t> addresses;
  for (const Node& node : nodes_) {
    if (node.left == 0) continue;
    if (nodes_[node.left].verdict != Verdict::fine || nodes_[node.right].verdict != Verdict::fine) continue;
    const std::size_t at = nodes_[node.right].part.begin;
    if (addresses_[at] != addresses_[at - 1]) addresses.push_back(addresses_[at]);
  }
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

}  // namespace jl::modbus

#pragma once
// What an MQTT client component has promised to publish and is not done with: bounded, in order. A publication leaves
// when its turn is committed and goes when it is written (QoS 0) or acknowledged (QoS 1 and 2).
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace jl::network {

struct Publication {
  std::string topic;
  std::string payload;
  int qos;
  bool retain;
  std::uint64_t commit;  ///< number of the commit that covers it
  int id = 0;            ///< libmosquitto's; 0 = not handed over yet
  [[nodiscard]] std::size_t size() const { return topic.size() + payload.size(); }
};

class Publications {
 public:
  static constexpr std::size_t kMost = 64;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20u;

  /// false when it does not fit.
  [[nodiscard]] bool add(Publication publication) {
    if (waiting_.size() >= kMost || bytes_ + publication.size() > kMostBytes) return false;
    bytes_ += publication.size();
    waiting_.push_back(std::move(publication));
    return true;
  }
  /// Hands over what is covered by commits before `commit`. `send` returns an id, or a negative value to drop it.
  template <class Send>
  void hand_over(std::uint64_t commit, Send&& send) {
    for (auto each = waiting_.begin(); each != waiting_.end();) {
      if (each->id == 0 && each->commit < commit) each->id = send(*each);
      each = each->id < 0 ? erase(each) : each + 1;
    }
  }
  /// Returns the size of the publication that is done, 0 when there is none of this id.
  std::size_t done(int id) {
    for (auto each = waiting_.begin(); each != waiting_.end(); ++each) {
      if (each->id != id) continue;
      const std::size_t size = each->size();
      erase(each);
      return size;
    }
    return 0;
  }
  /// The connection is gone: QoS 0 with it, the rest is handed over again.
  void connection_lost() {
    for (auto each = waiting_.begin(); each != waiting_.end();) {
      each->id = 0;
      each = each->qos == 0 ? erase(each) : each + 1;
    }
  }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  using Place = std::deque<Publication>::iterator;
  Place erase(Place place) {
    bytes_ -= place->size();
    return waiting_.erase(place);
  }
  std::deque<Publication> waiting_;
  std::size_t bytes_ = 0;
};

}  // namespace jl::network

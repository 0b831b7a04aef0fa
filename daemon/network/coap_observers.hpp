#pragma once
// Who observes what (RFC 7641), and the notifications on their way to each: one at a time, confirmable, the others wait
// in order. On the component's thread.
#include "daemon/network/coap_library.hpp"
#include "daemon/network/coap_server.hpp"
#include "daemon/network/coap_transfers.hpp"
#include "daemon/network/io_thread.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace jl::network {

class CoapObservers {
 public:
  static constexpr std::size_t kMostOfPeer = 8;
  static constexpr std::size_t kMostWaiting = 16;  ///< notifications of one observer

  CoapObservers(IoThread& thread, CoapCounters& counters, CoapTransfers& transfers)
      : thread_(thread), counters_(counters), transfers_(transfers) {}
  void set_library(CoapLibrary* library) { library_ = library; }

  /// The observation of this peer with this token; 0 = none.
  [[nodiscard]] ObserverId find(const coap_session_t& session, std::string_view token) const;
  /// Whether this peer may begin one more, with `most` of all peers.
  [[nodiscard]] bool has_room(const coap_session_t& session, std::size_t most) const;
  /// Begins one, of what the body key names.
  [[nodiscard]] ObserverId add(coap_session_t& session, std::string_view token, std::uint64_t key);
  /// Whether an observation with this ID is of the resource that the key names.
  [[nodiscard]] bool is_of(ObserverId id, std::uint64_t key) const;
  /// The Observe option of a response that renews it.
  [[nodiscard]] std::uint32_t sequence(ObserverId id) const;
  /// CoapServer::notify().
  [[nodiscard]] bool notify(ObserverId id, std::string_view payload, int content_format, std::shared_ptr<void> keep);
  /// CoapServer::end_observation(): after what waits.
  void end_with_notice(ObserverId id);
  /// At once, silently or with 4.04. Whether there was one.
  bool remove(ObserverId id, bool tell = false);
  [[nodiscard]] std::vector<ObserverId> of_peer(const coap_session_t& session) const;
  [[nodiscard]] std::vector<ObserverId> all() const;
  [[nodiscard]] std::size_t peers() const { return by_peer_.size(); }
  [[nodiscard]] std::vector<coap_session_t*> sessions() const;
  /// CoapLibraryEvents::next_notification().
  [[nodiscard]] CoapReply next(ObserverId id, bool is_repeat, Millis now);

 private:
  struct Note {
    std::string payload;
    int content_format;
  };
  struct Observer {
    coap_session_t* session;
    std::uint64_t key;
    std::shared_ptr<CoapSubscription> subscription;
    std::deque<Note> waiting{};
    Note under_way{};
    std::size_t uncommitted = 0;
    bool is_asked = false;  // the library will ask for the next one
    bool ends = false;
  };
  struct Batch {
    std::uint64_t commit;
    std::vector<std::pair<ObserverId, Note>> notes;
  };
  void release(const Batch& batch, bool committed);
  void ask(Observer& observer);

  IoThread& thread_;
  CoapCounters& counters_;
  CoapTransfers& transfers_;
  CoapLibrary* library_ = nullptr;
  ObserverId last_id_ = 0;
  std::unordered_map<ObserverId, Observer> observers_;
  std::unordered_map<const coap_session_t*, std::vector<ObserverId>> by_peer_;
  std::shared_ptr<Batch> batch_;  // of this turn
};

}  // namespace jl::network

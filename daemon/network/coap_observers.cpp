#include "daemon/network/coap_observers.hpp"

#include "common/base/assert.hpp"

#include <utility>

namespace jl::network {

ObserverId CoapObservers::find(const coap_session_t& session, std::string_view token) const {
  const auto mine = by_peer_.find(&session);
  if (mine == by_peer_.end()) return 0;
  for (const ObserverId id : mine->second) {
    if (observers_.at(id).subscription->token == token) return id;
  }
  return 0;
}

bool CoapObservers::has_room(const coap_session_t& session, std::size_t most) const {
  const auto mine = by_peer_.find(&session);
  return observers_.size() < most && (mine == by_peer_.end() || mine->second.size() < kMostOfPeer);
}

ObserverId CoapObservers::add(coap_session_t& session, std::string_view token, std::uint64_t key) {
  const ObserverId id = ++last_id_;
  observers_.emplace(id, Observer{&session, key, library_->subscribe(session, std::string(token), id)});
  by_peer_[&session].push_back(id);
  counters_.observers.store(static_cast<std::uint32_t>(observers_.size()), std::memory_order_relaxed);
  return id;
}

bool CoapObservers::is_of(ObserverId id, std::uint64_t key) const {
  const auto found = observers_.find(id);
  return found != observers_.end() && found->second.key == key && !found->second.ends;
}

std::uint32_t CoapObservers::sequence(ObserverId id) const { return observers_.at(id).subscription->sequence; }

bool CoapObservers::notify(ObserverId id, std::string_view payload, int content_format, std::shared_ptr<void> keep) {
  const auto found = observers_.find(id);
  if (found == observers_.end() || found->second.ends) return false;
  Observer& observer = found->second;
  if (observer.waiting.size() + observer.uncommitted >= kMostWaiting) return false;
  if (batch_ == nullptr || batch_->commit != thread_.commit_number()) {
    batch_ = std::make_shared<Batch>(Batch{thread_.commit_number(), {}});
    thread_.after_commit(
        [this, batch = batch_, keep = std::move(keep)](bool committed) { release(*batch, committed); });
  }
  ++observer.uncommitted;
  batch_->notes.emplace_back(id, Note{std::string(payload), content_format});
  return true;
}

void CoapObservers::release(const Batch& batch, bool committed) {
  if (library_ == nullptr) return;
  for (const auto& [id, note] : batch.notes) {
    const auto found = observers_.find(id);
    if (found == observers_.end()) continue;
    Observer& observer = found->second;
    --observer.uncommitted;
    if (committed) observer.waiting.push_back(note);
    if (!observer.waiting.empty()) {
      ask(observer);
    } else if (observer.ends && observer.uncommitted == 0) {
      remove(id, true);
    }
  }
  library_->settle();
}

void CoapObservers::ask(Observer& observer) {
  if (std::exchange(observer.is_asked, true)) return;
  library_->mark(observer.subscription);
}

CoapReply CoapObservers::next(ObserverId id, bool is_repeat, Millis now) {
  CoapReply reply;
  reply.code = 205;
  const auto found = observers_.find(id);
  if (found == observers_.end()) return reply;
  Observer& observer = found->second;
  if (!is_repeat) {
    observer.is_asked = false;
    JL_ASSERT(!observer.waiting.empty());
    observer.under_way = std::move(observer.waiting.front());
    observer.waiting.pop_front();
    counters_.notifications.fetch_add(1, std::memory_order_relaxed);
  }
  reply.content_format = observer.under_way.content_format;
  transfers_.put(observer.session, observer.key, reply, observer.under_way.payload, std::nullopt, now);
  if (!observer.waiting.empty()) {
    ask(observer);
  } else if (observer.ends && observer.uncommitted == 0) {
    remove(id, true);
  }
  return reply;
}

void CoapObservers::end_with_notice(ObserverId id) {
  const auto found = observers_.find(id);
  if (found == observers_.end()) return;
  found->second.ends = true;
  if (found->second.waiting.empty() && found->second.uncommitted == 0) remove(id, true);
}

bool CoapObservers::remove(ObserverId id, bool tell) {
  const auto found = observers_.find(id);
  if (found == observers_.end()) return false;
  library_->close(found->second.subscription, tell);
  const auto mine = by_peer_.find(found->second.session);
  std::erase(mine->second, id);
  if (mine->second.empty()) by_peer_.erase(mine);
  observers_.erase(found);
  counters_.observers.store(static_cast<std::uint32_t>(observers_.size()), std::memory_order_relaxed);
  return true;
}

std::vector<ObserverId> CoapObservers::of_peer(const coap_session_t& session) const {
  const auto mine = by_peer_.find(&session);
  return mine == by_peer_.end() ? std::vector<ObserverId>() : mine->second;
}

std::vector<ObserverId> CoapObservers::all() const {
  std::vector<ObserverId> ids;
  ids.reserve(observers_.size());
  for (const auto& [id, observer] : observers_) ids.push_back(id);
  return ids;
}

std::vector<coap_session_t*> CoapObservers::sessions() const {
  std::vector<coap_session_t*> all;
  all.reserve(by_peer_.size());
  for (const auto& [session, ids] : by_peer_) all.push_back(observers_.at(ids.front()).session);
  return all;
}

}  // namespace jl::network

#include "daemon/control/exchange.hpp"

#include "common/control/api.hpp"

#include <algorithm>

namespace jl::control {
namespace json = boost::json;

Reply::Reply(const Error& e, std::string_view request_id)
    : status(info(e.code).http_status),
      content_type(kProblemJson),
      body(json::serialize(to_problem(e, request_id))),
      code(e.code),
      error(e.message) {}

/// What the handler holds.
class ExchangeResponder final : public Responder {
 public:
  explicit ExchangeResponder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ExchangeResponder() override {
    exchange_->problem(Error(Errc::failed, "the call ended without an answer", "journalctl -u jlinkd"));
  }
  ExchangeResponder(const ExchangeResponder&) = delete;
  ExchangeResponder& operator=(const ExchangeResponder&) = delete;

  void json(int status, json::value body) override {
    exchange_->reply(Reply(status, std::string(kJson), json::serialize(body)));
  }
  void text(int status, std::string content_type, std::string body) override {
    exchange_->reply(Reply(status, std::move(content_type), std::move(body)));
  }
  void problem(const Error& error) override { exchange_->problem(error); }
  void notes(CallNotes notes) override { exchange_->add_notes(std::move(notes)); }
  void start_stream() override { exchange_->start_stream(); }
  bool line(std::string text, bool droppable) override { return exchange_->line(std::move(text), droppable); }
  void end_stream() override { exchange_->end_stream(nullptr); }
  void end_stream(const Error& error) override { exchange_->end_stream(&error); }
  [[nodiscard]] std::size_t queued() const override { return exchange_->queued(); }
  void on_gone(std::function<void()> callback) override { exchange_->on_gone(std::move(callback)); }

 private:
  std::shared_ptr<Exchange> exchange_;
};

Exchange::Exchange(std::string request_id, std::shared_ptr<std::atomic<std::size_t>> streams,
                   std::function<void()> wake)
    : request_id_(std::move(request_id)), streams_(std::move(streams)), wake_(std::move(wake)) {}

Exchange::~Exchange() { release_stream(); }

std::shared_ptr<Responder> Exchange::responder() { return std::make_shared<ExchangeResponder>(shared_from_this()); }

// Callbacks of handlers are never run, nor destroyed, under the lock: they may hold the responder or locks of their
// own.

void Exchange::reply(Reply reply) {
  std::function<void()> unused;
  const Lock lock(mutex_);
  if (state_ != State::open) return;
  reply_ = std::move(reply);
  state_ = State::replied;
  unused.swap(on_gone_);
  tell(lock);
}

void Exchange::problem(const Error& error) {
  {
    const Lock lock(mutex_);
    if (state_ == State::replied || state_ == State::stream_ended) return;
  }
  reply(Reply(error, request_id_));
  end_stream(&error);
}

void Exchange::add_notes(CallNotes notes) {
  const Lock lock(mutex_);
  notes_ = std::move(notes);
}

void Exchange::start_stream() {
  const Lock lock(mutex_);
  if (state_ != State::open) return;
  if (streams_->fetch_add(1) >= kMaxStreams) {
    streams_->fetch_sub(1);
    // The connection tells the handler through set_gone().
    reply_ = Reply(Error(Errc::busy, "jlinkd serves " + std::to_string(kMaxStreams) + " streams already"), request_id_);
    state_ = State::replied;
    is_cut_ = true;
  } else {
    has_stream_ = true;
    state_ = State::streaming;
  }
  tell(lock);
}

bool Exchange::line(std::string text, bool droppable) {
  const Lock lock(mutex_);
  if (state_ != State::streaming || is_gone_ || is_cut_) return false;
  const std::size_t size = waiting() + in_flight_ + text.size() + 1;
  if (droppable && size > kMaxDroppable) return false;
  if (size > kMaxQueued) {
    is_cut_ = true;
    lines_ = std::string();
    taken_ = 0;
    is_told_ = false;  // it may have been told and then begun a write that does not end
    tell(lock);
    return false;
  }
  (lines_ += text) += '\n';
  tell(lock);
  return true;
}

void Exchange::end_locked(const Error* error) {
  if (error) {
    stream_error_ = *error;
    if (!is_cut_) (lines_ += json::serialize(json::object{{"error", to_problem(*error, request_id_)}})) += '\n';
  }
  state_ = State::stream_ended;
}

void Exchange::end_stream(const Error* error) {
  std::function<void()> unused;
  const Lock lock(mutex_);
  if (state_ != State::streaming) return;
  end_locked(error);
  unused.swap(on_gone_);
  tell(lock);
}

std::size_t Exchange::queued() const {
  const Lock lock(mutex_);
  return waiting() + in_flight_;
}

void Exchange::on_gone(std::function<void()> callback) {
  {
    const Lock lock(mutex_);
    const bool is_over = state_ == State::replied || state_ == State::stream_ended;
    if (!is_gone_ && is_over && !is_cut_) return;
    if (!is_gone_) {
      callback.swap(on_gone_);
      return;
    }
  }
  if (callback) callback();
}

Exchange::News Exchange::poll(std::size_t max_bytes) {
  const Lock lock(mutex_);
  is_told_ = false;
  News out;
  out.state = state_;
  out.is_cut = is_cut_;
  out.lines = lines_.substr(taken_, max_bytes);
  taken_ += out.lines.size();
  if (waiting() == 0) {
    lines_.clear();
    taken_ = 0;
  } else if (taken_ > lines_.size() / 2) {
    lines_.erase(0, taken_);  // seldom enough that a byte is moved once on average
    taken_ = 0;
  }
  // Ended is only what has nothing left to send.
  if (out.state == State::stream_ended && (waiting() > 0 || !out.lines.empty())) out.state = State::streaming;
  in_flight_ += out.lines.size();
  return out;
}

void Exchange::sent(std::size_t bytes) {
  const Lock lock(mutex_);
  in_flight_ -= std::min(in_flight_, bytes);
}

Reply Exchange::take_reply() {
  const Lock lock(mutex_);
  return std::move(reply_);
}

void Exchange::set_gone() {
  std::function<void()> callback;
  {
    const Lock lock(mutex_);
    if (is_gone_) return;
    is_gone_ = true;
    callback.swap(on_gone_);
  }
  if (callback) callback();
}

void Exchange::end_with(const Error& error) {
  const Lock lock(mutex_);
  if (state_ == State::streaming) end_locked(&error);
}

void Exchange::detach() {
  std::function<void()> unused_wake, unused;
  {
    const Lock lock(mutex_);
    unused_wake.swap(wake_);
    unused.swap(on_gone_);
  }
  release_stream();
}

CallNotes Exchange::notes() const {
  const Lock lock(mutex_);
  return notes_;
}

bool Exchange::is_cut_stream() const {
  const Lock lock(mutex_);
  return is_cut_ && state_ != State::replied;
}

std::optional<Error> Exchange::stream_error() const {
  const Lock lock(mutex_);
  return stream_error_;
}

// Posting never runs anything here, so it is done under the lock: after detach() there is no call under way.
void Exchange::tell(const Lock&) {
  if (is_told_ || !wake_) return;
  is_told_ = true;
  wake_();
}

void Exchange::release_stream() {
  bool had = false;
  {
    const Lock lock(mutex_);
    std::swap(had, has_stream_);
  }
  if (had) streams_->fetch_sub(1);
}

}  // namespace jl::control

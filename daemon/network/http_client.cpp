#include "daemon/network/http_client.hpp"

#include "daemon/network/http_exchange.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace jl::network {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr long kMaxConnections = 256;           // to all hosts; bounds our descriptors
constexpr long kKeptConnections = 64;           // idle
constexpr milliseconds kLongestSleep{60'000};   // wakes up for nothing, rarely
constexpr milliseconds kPauseAfterFailure{10};  // when libcurl cannot wait, which is when memory is short

Error stopping() { return {Errc::unavailable, "the HTTP client is stopping"}; }

}  // namespace

// The loop, shared by its thread and the client, so that the client may go while its thread is in a caller's function.
class HttpLoop {
 public:
  HttpLoop() : multi_(curl_is_ready() ? curl_multi_init() : nullptr) {
    if (!multi_) return;
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, HttpClient::kMaxPerHost);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, kMaxConnections);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kKeptConnections);
  }

  void add(HttpCall call, HttpDone done) {
    bool is_over = false;
    {
      const std::lock_guard lock(mutex_);
      is_over = stops_;
      if (!is_over) {
        if (open_ >= HttpClient::kMaxCalls) {
          refused_.push_back(std::move(done));  // without what it would send
        } else {
          ++open_;
          arrived_.push_back(std::make_unique<HttpExchange>(std::move(call), std::move(done)));
        }
      }
    }
    if (is_over) {
      if (done) done(stopping());
      return;
    }
    wake();
  }

  void request_stop() {
    {
      const std::lock_guard lock(mutex_);
      stops_ = true;
    }
    wake();
  }

  void run() {
    while (take_arrivals()) {
      int running = 0;
      if (multi_) curl_multi_perform(multi_.get(), &running);
      collect();
      expire();
      wait();
    }
    end_all();
  }

 private:
  using Running = std::unordered_map<CURL*, std::unique_ptr<HttpExchange>>;

  void wake() {
    if (multi_) {
      curl_multi_wakeup(multi_.get());
    } else {
      woken_.notify_all();
    }
  }

  // False when it is to stop.
  bool take_arrivals() {
    std::vector<std::unique_ptr<HttpExchange>> arrived;
    std::vector<HttpDone> refused;
    bool goes_on = true;
    {
      const std::lock_guard lock(mutex_);
      goes_on = !stops_;
      arrived.swap(arrived_);
      refused.swap(refused_);
    }
    for (auto& done : refused) {
      HttpExchange({}, std::move(done)).finish(Error(Errc::busy, "too many HTTP calls wait"));
    }
    for (auto& exchange : arrived) {
      if (goes_on) {
        start(std::move(exchange));
      } else {
        end(std::move(exchange), stopping());
      }
    }
    return goes_on;
  }

  void start(std::unique_ptr<HttpExchange> exchange) {
    Status ready = multi_ ? exchange->prepare() : Status(Error(Errc::unavailable, "libcurl cannot be set up"));
    if (ready && curl_multi_add_handle(multi_.get(), exchange->handle()) != CURLM_OK)
      ready = Error(Errc::unavailable, "libcurl cannot take another call");
    if (!ready) return end(std::move(exchange), ready.error());
    deadlines_.emplace(exchange->deadline(), exchange->handle());
    CURL* const handle = exchange->handle();
    running_.emplace(handle, std::move(exchange));
  }

  void collect() {
    int left = 0;
    while (multi_) {
      const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left);
      if (!message) return;
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      auto exchange = take_out(message->easy_handle);  // the message goes with it
      auto result = exchange->outcome(code);
      end(std::move(exchange), std::move(result));
    }
  }

  // libcurl has limits of its own, but does not look at them while a call waits for a connection to its host.
  void expire() {
    const auto now = Clock::now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      auto exchange = take_out(deadlines_.begin()->second);
      auto error = exchange->timed_out();
      end(std::move(exchange), std::move(error));
    }
  }

  std::unique_ptr<HttpExchange> take_out(CURL* handle) {
    auto node = running_.extract(handle);
    auto exchange = std::move(node.mapped());
    const auto [first, last] = deadlines_.equal_range(exchange->deadline());
    deadlines_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == handle; }));
    return exchange;
  }

  // Takes it off libcurl, makes room and tells: the caller may call again.
  void end(std::unique_ptr<HttpExchange> exchange, Result<HttpReply> result) {
    if (exchange->handle() && multi_) curl_multi_remove_handle(multi_.get(), exchange->handle());
    {
      const std::lock_guard lock(mutex_);
      --open_;
    }
    exchange->finish(std::move(result));
  }

  void wait() {
    auto time = kLongestSleep;
    if (!deadlines_.empty()) {
      const auto left = std::chrono::ceil<milliseconds>(deadlines_.begin()->first - Clock::now());
      time = std::clamp(left, milliseconds(0), kLongestSleep);
    }
    if (multi_ && curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(time.count()), nullptr) == CURLM_OK)
      return;
    std::unique_lock lock(mutex_);
    const auto has_work = [&] { return stops_ || !arrived_.empty() || !refused_.empty(); };
    woken_.wait_for(lock, multi_ ? kPauseAfterFailure : kLongestSleep, has_work);
  }

  void end_all() {
    while (!running_.empty()) end(take_out(running_.begin()->first), stopping());
  }

  CurlMulti multi_;
  Running running_;                                    // goes before multi_
  std::multimap<Clock::time_point, CURL*> deadlines_;  // of running_

  std::mutex mutex_;  // of the rest
  std::condition_variable woken_;
  bool stops_ = false;
  std::size_t open_ = 0;  // arrived_ and running_
  std::vector<std::unique_ptr<HttpExchange>> arrived_;
  std::vector<HttpDone> refused_;
};

struct HttpClient::Impl {
  std::shared_ptr<HttpLoop> loop = std::make_shared<HttpLoop>();
  std::thread thread{[own = loop] { own->run(); }};
};

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) {}

HttpClient::~HttpClient() {
  stop();
  if (impl_->thread.joinable())
    impl_->thread.detach();  // it is the thread's own: the last owner was a caller's function
}

void HttpClient::call(HttpCall call, HttpDone done) { impl_->loop->add(std::move(call), std::move(done)); }

void HttpClient::stop() {
  impl_->loop->request_stop();
  if (impl_->thread.joinable() && impl_->thread.get_id() != std::this_thread::get_id()) impl_->thread.join();
}

}  // namespace jl::network

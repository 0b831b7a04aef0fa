#include "daemon/network/http_client.hpp"

#include "daemon/base/log.hpp"
#include "daemon/network/http_fetch.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace jl::network {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Easy = std::unique_ptr<CURL, Freed<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, Freed<curl_multi_cleanup>>;
using Headers = std::unique_ptr<curl_slist, Freed<curl_slist_free_all>>;
using Url = std::unique_ptr<CURLU, Freed<curl_url_cleanup>>;

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || !text) return {};
  const std::unique_ptr<char, Freed<curl_free>> owner(text);
  return text;
}

// "host:port" of a URL, for messages.
std::string place_of(const std::string& url) {
  const Url parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "the server";
  std::string out = fmt::format("\"{}:{}\"", part_of(parsed.get(), CURLUPART_HOST),
                                part_of(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

bool has_line_break(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; }

/// One call on its way.
class Transfer {
 public:
  Transfer(HttpCall call, HttpDone done) : call_(std::move(call)), done_(std::move(done)) {}

  [[nodiscard]] CURL* handle() const { return easy_.get(); }

  Status prepare() {
    JL_CHECK(check_url(call_.url));
    for (const auto& [name, value] : call_.headers) {
      if (name.empty() || has_line_break(name) || has_line_break(value))
        return Error(Errc::invalid, "a header of the call has a line break");
    }
    if (has_line_break(call_.method) || call_.method.empty()) return Error(Errc::invalid, "the call has no method");
    easy_.reset(curl_easy_init());
    if (!easy_ || !set_up()) return Error(Errc::failed, "libcurl cannot be set up");
    return {};
  }

  void finish(CURLcode code) {
    if (is_too_large_) {
      return end(Error(Errc::too_large,
                       fmt::format("{} answers with more than {} bytes", place_of(call_.url), call_.max_body)));
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
      return end(
          Error(Errc::timeout, fmt::format("{} did not answer in {} ms", place_of(call_.url), call_.timeout.count())));
    if (code != CURLE_OK) return end(Error(Errc::network, fmt::format("{}: {}", place_of(call_.url), words(code))));
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    const char* type = nullptr;
    curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
    end(HttpReply{static_cast<int>(status), type ? type : "", std::move(body_)});
  }

  void end(Result<HttpReply> result) {
    const auto done = std::exchange(done_, nullptr);
    try {
      if (done) done(std::move(result));
    } catch (const std::exception& e) {
      log::error("network.http", "a call's answer could not be worked on: {}", e.what());
    }
  }

 private:
  template <class Value>
  bool set(CURLoption option, Value value) {
    return curl_easy_setopt(easy_.get(), option, value) == CURLE_OK;
  }

  bool set_up() {
    constexpr long kYes = 1, kNo = 0;
    bool good = set(CURLOPT_URL, call_.url.c_str()) && set(CURLOPT_PRIVATE, this) &&
                set(CURLOPT_ERRORBUFFER, words_.data()) && set(CURLOPT_USERAGENT, "jlinkd") &&
                set(CURLOPT_NOSIGNAL, kYes) && set(CURLOPT_QUICK_EXIT, kYes) && set(CURLOPT_NOPROXY, "*") &&
                set(CURLOPT_PROTOCOLS_STR, "http,https") && set(CURLOPT_FOLLOWLOCATION, kNo) &&
                set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)) &&
                set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) &&
                set(CURLOPT_SSL_VERIFYPEER, kYes) && set(CURLOPT_SSL_VERIFYHOST, 2L);
    good = good && set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call_.connect_timeout.count())) &&
           set(CURLOPT_TIMEOUT_MS, static_cast<long>(call_.timeout.count())) &&
           set(CURLOPT_WRITEFUNCTION, &Transfer::take) && set(CURLOPT_WRITEDATA, this);
    if (good && call_.method == "HEAD") {
      good = set(CURLOPT_NOBODY, kYes);
    } else if (good && (!call_.body.empty() || call_.method == "POST" || call_.method == "PUT")) {
      good = set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call_.body.size())) &&
             set(CURLOPT_POSTFIELDS, call_.body.c_str());
    }
    good = good && set(CURLOPT_CUSTOMREQUEST, call_.method.c_str());
    if (good && !call_.username.empty()) {
      good = set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC)) &&
             set(CURLOPT_USERNAME, call_.username.c_str()) && set(CURLOPT_PASSWORD, call_.password.reveal().c_str());
    }
    if (good && !call_.authorities.empty()) {
      curl_blob blob{call_.authorities.data(), call_.authorities.size(), CURL_BLOB_COPY};
      const char* const none = nullptr;
      good = set(CURLOPT_CAINFO_BLOB, &blob) && set(CURLOPT_CAPATH, none);
    }
    // No "Expect: 100-continue": servers of devices answer it late or not at all.
    return good && add_header("Expect:") && add_headers() && set(CURLOPT_HTTPHEADER, headers_.get());
  }

  bool add_headers() {
    for (const auto& [name, value] : call_.headers) {
      if (!add_header(value.empty() ? name + ";" : name + ": " + value)) return false;
    }
    return true;
  }

  bool add_header(const std::string& line) {
    curl_slist* const longer = curl_slist_append(headers_.get(), line.c_str());
    if (!longer) return false;
    (void)headers_.release();
    headers_.reset(longer);
    return true;
  }

  [[nodiscard]] std::string words(CURLcode code) const {
    std::string out = words_[0] != '\0' ? words_.data() : curl_easy_strerror(code);
    for (char& c : out) {
      if (c < ' ' || c > '~') c = '?';
    }
    if (out.size() > 1 && out[0] >= 'A' && out[0] <= 'Z' && out[1] >= 'a')
      out[0] = static_cast<char>(out[0] - 'A' + 'a');
    return out;
  }

  static std::size_t take(char* data, std::size_t one, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::size_t count = one * size;
    if (transfer.body_.size() + count > transfer.call_.max_body) {
      transfer.is_too_large_ = true;
      return 0;
    }
    try {
      transfer.body_.append(data, count);
    } catch (...) {
      return 0;
    }
    return count;
  }

  HttpCall call_;
  HttpDone done_;
  Easy easy_;
  Headers headers_;
  std::string body_;
  std::array<char, CURL_ERROR_SIZE> words_{};
  bool is_too_large_ = false;
};

Error stopping() { return {Errc::unavailable, "the daemon is stopping"}; }

}  // namespace

struct HttpClient::Impl {
  Impl() : multi(curl_multi_init()) {
    if (!multi) throw std::bad_alloc();
    curl_multi_setopt(multi.get(), CURLMOPT_MAX_HOST_CONNECTIONS, kMaxPerHost);
    thread = std::thread([this] { run(); });
  }

  void run() {
    while (true) {
      std::vector<std::unique_ptr<Transfer>> fresh;
      {
        const std::scoped_lock lock(mutex);
        if (stopped) break;
        fresh.swap(waiting);
      }
      for (auto& transfer : fresh) begin(std::move(transfer));
      int running = 0;
      curl_multi_perform(multi.get(), &running);
      finish();
      // As long as nobody has anything new: libcurl wakes up by itself for its own time limits.
      curl_multi_poll(multi.get(), nullptr, 0, 60'000, nullptr);
    }
    for (auto& [handle, transfer] : transfers) {
      curl_multi_remove_handle(multi.get(), handle);
      transfer->end(stopping());
      --calls;
    }
    transfers.clear();
  }

  void begin(std::unique_ptr<Transfer> transfer) {
    if (const Status ready = transfer->prepare(); !ready) {
      --calls;
      return transfer->end(ready.error());
    }
    CURL* const handle = transfer->handle();
    if (curl_multi_add_handle(multi.get(), handle) != CURLM_OK) {
      --calls;
      return transfer->end(Error(Errc::failed, "libcurl takes no call"));
    }
    transfers.emplace(handle, std::move(transfer));
  }

  void finish() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      CURL* const handle = message->easy_handle;
      auto transfer = transfers.extract(handle);
      curl_multi_remove_handle(multi.get(), handle);
      if (transfer.empty()) continue;
      --calls;
      transfer.mapped()->finish(code);
    }
  }

  Multi multi;
  std::map<CURL*, std::unique_ptr<Transfer>> transfers;  // of the thread
  std::atomic<std::size_t> calls{0};
  std::mutex mutex;  // waiting, stopped
  std::vector<std::unique_ptr<Transfer>> waiting;
  bool stopped = false;
  std::mutex joining;
  std::thread thread;
};

HttpClient::HttpClient() {
  curl_global_init(CURL_GLOBAL_DEFAULT);  // counted: any number of times
  impl_ = std::make_unique<Impl>();
}

HttpClient::~HttpClient() { stop(); }

void HttpClient::call(HttpCall call, HttpDone done) {
  auto transfer = std::make_unique<Transfer>(std::move(call), std::move(done));
  {
    const std::scoped_lock lock(impl_->mutex);
    if (!impl_->stopped && impl_->calls < kMaxCalls) {
      ++impl_->calls;
      impl_->waiting.push_back(std::move(transfer));
    }
  }
  if (!transfer) {
    curl_multi_wakeup(impl_->multi.get());
    return;
  }
  const bool is_over = impl_->calls < kMaxCalls;
  transfer->end(is_over ? stopping() : Error(Errc::busy, "too many calls to other servers are on their way"));
}

void HttpClient::stop() {
  std::vector<std::unique_ptr<Transfer>> left;
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->stopped = true;
    left.swap(impl_->waiting);
  }
  curl_multi_wakeup(impl_->multi.get());
  {
    const std::scoped_lock lock(impl_->joining);
    if (impl_->thread.joinable()) impl_->thread.join();
  }
  for (auto& transfer : left) transfer->end(stopping());
}

}  // namespace jl::network

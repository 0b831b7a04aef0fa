#include "daemon/network/http_fetch.hpp"

#include "common/text/redact.hpp"
#include "daemon/network/curl_support.hpp"

#include <fmt/format.h>
#include <array>

namespace jl::network {
namespace {

constexpr int kSlice = 100;              // ms between two looks at whether it was cancelled
constexpr std::size_t kShownText = 200;  // bytes of a URL in a message

using Blob = curl_blob;

// Without its query, which may hold a key: of signed addresses, and of those that the daemon hands out itself.
std::string shown_url(std::string_view url) {
  const std::size_t query = url.find('?');
  std::string masked = text::mask_userinfo(url.substr(0, query));
  if (query != std::string_view::npos) masked += "?...";
  for (char& c : masked) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (masked.size() > kShownText) masked = masked.substr(0, kShownText) + "...";
  return masked;
}

class Fetcher {
 public:
  Fetcher(const FetchOptions& options, const FetchSink& sink) : o_(options), sink_(sink) {}

  Result<FetchReport> run() {
    JL_CHECK(check_url(o_.url));
    easy_.reset(curl_easy_init());
    multi_.reset(curl_multi_init());
    if (!easy_ || !multi_ || !prepare() || curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK)
      return Error(Errc::failed, "libcurl cannot be set up");
    const CURLcode code = transfer();
    curl_multi_remove_handle(multi_.get(), easy_.get());
    if (failure_) return *failure_;
    if (code != CURLE_OK) return failed(code);
    if (const auto refused = wrong_status()) return *refused;
    return FetchReport{status(), progress_.received, shown_url(final_url())};
  }

 private:
  template <class Value>
  bool set(CURLoption option, Value value) {
    return curl_easy_setopt(easy_.get(), option, value) == CURLE_OK;
  }

  bool prepare() {
    constexpr long kYes = 1;
    bool good = set(CURLOPT_URL, o_.url.c_str()) && set(CURLOPT_ERRORBUFFER, words_.data()) &&
                set(CURLOPT_USERAGENT, "jlinkd") && set(CURLOPT_NOSIGNAL, kYes) &&
                // A look-up cannot be interrupted: its thread is left to itself, or stopping would wait for it.
                set(CURLOPT_QUICK_EXIT, kYes);
    good = good && set(CURLOPT_PROTOCOLS_STR, "http,https") && set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https") &&
           set(CURLOPT_FOLLOWLOCATION, kYes) && set(CURLOPT_MAXREDIRS, static_cast<long>(o_.max_redirects)) &&
           set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)) &&
           set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) && set(CURLOPT_SSL_VERIFYPEER, kYes) &&
           set(CURLOPT_SSL_VERIFYHOST, 2L);
    good = good && set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(o_.connect_timeout.count())) &&
           set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(o_.stall_rate)) &&
           set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(o_.stall_time.count())) &&
           set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(o_.max_size)) &&
           set(CURLOPT_WRITEFUNCTION, &Fetcher::take) && set(CURLOPT_WRITEDATA, this);
    if (!good || o_.authorities.empty()) return good;
    Blob blob{const_cast<char*>(o_.authorities.data()), o_.authorities.size(), CURL_BLOB_COPY};
    const char* const none = nullptr;
    return set(CURLOPT_CAINFO_BLOB, &blob) && set(CURLOPT_CAPATH, none);
  }

  // Drives libcurl in slices, so that a daemon that stops need not wait for a server that is silent.
  CURLcode transfer() {
    for (int running = 1;;) {
      if (o_.cancelled && *o_.cancelled) {
        failure_ = Error(Errc::unavailable, "the daemon is stopping");
        return CURLE_ABORTED_BY_CALLBACK;
      }
      if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
      if (running == 0) break;
      if (curl_multi_poll(multi_.get(), nullptr, 0, kSlice, nullptr) != CURLM_OK) return CURLE_FAILED_INIT;
    }
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(multi_.get(), &left);
    return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
  }

  static std::size_t take(char* data, std::size_t one, std::size_t size, void* self) {
    auto& fetcher = *static_cast<Fetcher*>(self);
    try {
      return fetcher.take_piece(std::string_view(data, one * size)) ? one * size : 0;
    } catch (const std::exception& e) {  // libcurl is C: nothing may fly through it
      fetcher.failure_ = Error(Errc::failed, std::string("a piece of the file could not be taken: ") + e.what());
      return 0;
    }
  }

  bool take_piece(std::string_view piece) {
    if (progress_.received == 0) {
      failure_ = wrong_status();
      curl_off_t length = -1;
      curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
      if (length >= 0) progress_.total = static_cast<std::uint64_t>(length);
    }
    if (!failure_ && piece.size() > o_.max_size - progress_.received) failure_ = too_large();
    if (failure_) return false;
    progress_.received += piece.size();
    if (const Status taken = sink_(piece, progress_); !taken) failure_ = taken.error();
    return !failure_;
  }

  [[nodiscard]] int status() const {
    long code = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }

  [[nodiscard]] std::string final_url() const {
    const char* url = nullptr;
    curl_easy_getinfo(easy_.get(), CURLINFO_EFFECTIVE_URL, &url);
    return url ? url : o_.url;
  }

  // A page that says why there is no file must not become one.
  [[nodiscard]] std::optional<Error> wrong_status() const {
    const int code = status();
    if (code == 200) return std::nullopt;
    Error out = cannot(Errc::job_failed, fmt::format("{} answered with status {}", place_of(final_url()), code));
    out.members = {{"httpStatus", std::to_string(code)}};
    return out;
  }

  [[nodiscard]] Error cannot(Errc code, const std::string& why, std::string hint = {}) const {
    return {code, fmt::format("\"{}\" cannot be fetched: {}", shown_url(o_.url), why), std::move(hint)};
  }
  [[nodiscard]] Error too_large() const {
    return cannot(Errc::too_large, fmt::format("it has more than {} bytes", o_.max_size));
  }

  // What libcurl says of it, which for TLS is what OpenSSL says.
  [[nodiscard]] std::string reason(CURLcode code) const { return shown_words(words(code)); }
  [[nodiscard]] const char* words(CURLcode code) const {
    return words_[0] != '\0' ? words_.data() : curl_easy_strerror(code);
  }

  [[nodiscard]] Error failed(CURLcode code) const {
    const std::string place = place_of(final_url());
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_RESOLVE_PROXY:
        return cannot(Errc::job_failed, reason(code), "is the name right, and does the machine have DNS?");
      case CURLE_COULDNT_CONNECT:
        return cannot(Errc::job_failed,
                      fmt::format("{} cannot be connected to: {}", place, connect_reason(easy_.get(), words(code))));
      case CURLE_OPERATION_TIMEDOUT:
        return timed_out(place);
      case CURLE_PEER_FAILED_VERIFICATION:
        return cannot(
            Errc::job_failed,
            fmt::format("the certificate of {} is not trusted: {}", place,
                        certificate_reason(easy_.get(), words(code))),
            "an authority of one's own belongs into /usr/local/share/ca-certificates: update-ca-certificates");
      case CURLE_SSL_CACERT_BADFILE:
        return cannot(Errc::job_failed, "the system's certificate authorities cannot be read: " + reason(code),
                      "apt-get install ca-certificates");
      case CURLE_TOO_MANY_REDIRECTS:
        return cannot(Errc::job_failed, fmt::format("more than {} redirects", o_.max_redirects));
      case CURLE_UNSUPPORTED_PROTOCOL:
        return cannot(Errc::job_failed, "it leads to something that is neither http nor https");
      case CURLE_PARTIAL_FILE:
        return cannot(Errc::job_failed, cut_off());
      case CURLE_FILESIZE_EXCEEDED:
        return wrong_status().value_or(too_large());  // of a page that says why there is no file, its status counts
      default:
        return cannot(Errc::job_failed, fmt::format("{}: {}", place, reason(code)));
    }
  }

  // Which of the two limits it was is told by whether a connection stood.
  [[nodiscard]] Error timed_out(const std::string& place) const {
    curl_off_t ready = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &ready);
    long redirects = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_COUNT, &redirects);
    if (ready == 0 && redirects == 0) {
      return cannot(Errc::timeout, fmt::format("no connection to {} within {} ms", place, o_.connect_timeout.count()));
    }
    return cannot(Errc::timeout, fmt::format("{} is too slow or silent, after {} bytes: {}", place, progress_.received,
                                             reason(CURLE_OPERATION_TIMEDOUT)));
  }

  [[nodiscard]] std::string cut_off() const {
    return progress_.total
               ? fmt::format("the connection ended after {} of {} bytes", progress_.received, *progress_.total)
               : fmt::format("the connection ended in the middle, after {} bytes", progress_.received);
  }

  const FetchOptions& o_;
  const FetchSink& sink_;
  std::array<char, CURL_ERROR_SIZE> words_{};
  FetchProgress progress_;
  std::optional<Error> failure_;
  CurlEasy easy_;
  CurlMulti multi_;  // goes before the handle in it
};

}  // namespace

Status check_url(const std::string& url) {
  const auto wrong = [](std::string why) { return Error(Errc::invalid, "url: " + std::move(why), {}, "url"); };
  if (!curl_is_ready()) return Error(Errc::failed, "libcurl cannot be set up");
  if (url.empty()) return wrong("is required");
  if (url.size() > kMaxUrl) return wrong(fmt::format("has more than {} bytes", kMaxUrl));
  const CurlUrl parsed(curl_url());
  if (!parsed) return Error(Errc::failed, "libcurl cannot be set up");
  // Taken as C text from here on.
  const CURLUcode code = url.find('\0') != std::string::npos
                             ? CURLUE_MALFORMED_INPUT
                             : curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (code == CURLUE_BAD_SCHEME) return wrong("must begin with http:// or https://");
  if (code != CURLUE_OK) return wrong("cannot be read: " + shown_words(curl_url_strerror(code)));
  const std::string scheme = part_of(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    return wrong("must begin with http:// or https://, not " + shown_words(scheme));
  // libcurl takes any number of slashes for two and so finds a host in what has none (RFC 9110 4.2.1).
  const std::size_t slashes = url.find("://");
  if (slashes == std::string::npos || url.compare(slashes + 3, 1, "/") == 0) return wrong("names no host");
  return {};
}

Result<FetchReport> fetch(const FetchOptions& options, const FetchSink& sink) { return Fetcher(options, sink).run(); }

}  // namespace jl::network

#include "daemon/network/http_exchange.hpp"

#include "daemon/base/log.hpp"
#include "daemon/network/http_fetch.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <exception>

namespace jl::network {
namespace {

constexpr std::size_t kMaxHeader = std::size_t{64} << 10u;  // bytes of the answer's head, interim answers included
constexpr long kYes = 1;

// RFC 9110 5.6.2
bool is_token(std::string_view text) {
  const auto is_good = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_good);
}

bool has_header(const HttpCall& call, std::string_view name) {
  return std::any_of(call.headers.begin(), call.headers.end(), [&](const auto& header) {
    return header.first.size() == name.size() &&
           std::equal(name.begin(), name.end(), header.first.begin(), [](char a, char b) { return a == (b | 0x20); });
  });
}

long milliseconds(std::chrono::milliseconds time) {
  return static_cast<long>(std::clamp<std::chrono::milliseconds::rep>(time.count(), 1, 24 * 3600 * 1000));
}

Error no_libcurl() { return {Errc::unavailable, "libcurl cannot be set up"}; }

}  // namespace

HttpExchange::HttpExchange(HttpCall call, HttpDone done)
    : call_(std::move(call)),
      done_(std::move(done)),
      deadline_(std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds(call_.timeout))) {}

Status HttpExchange::prepare() {
  if (!curl_is_ready()) return no_libcurl();
  JL_CHECK(check_url(call_.url));
  if (!is_token(call_.method)) return Error(Errc::invalid, "the method is not a name of HTTP", {}, "method");
  JL_CHECK(check_headers());
  easy_.reset(curl_easy_init());
  if (!easy_ || !set_connection() || !set_request() || !set_answer()) return no_libcurl();
  return {};
}

Status HttpExchange::check_headers() const {
  for (const auto& [name, value] : call_.headers) {
    const bool is_one_line = value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
    if (!is_token(name) || !is_one_line)
      return Error(Errc::invalid, fmt::format("header \"{}\" cannot be sent", shown_words(name)), {}, "headers");
  }
  return {};
}

bool HttpExchange::set_connection() {
  bool good = set(CURLOPT_URL, call_.url.c_str()) && set(CURLOPT_ERRORBUFFER, words_.data()) &&
              set(CURLOPT_NOSIGNAL, kYes) &&
              // A look-up cannot be interrupted: its thread is left to itself, or ending would wait for it.
              set(CURLOPT_QUICK_EXIT, kYes) && set(CURLOPT_PROTOCOLS_STR, "http,https") &&
              set(CURLOPT_PROXY, "") &&  // also none of the environment
              set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED)) && set(CURLOPT_FOLLOWLOCATION, 0L) &&
              set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  good = good && set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) &&
         set(CURLOPT_SSL_VERIFYPEER, kYes) && set(CURLOPT_SSL_VERIFYHOST, 2L) &&
         set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(call_.connect_timeout)) &&
         set(CURLOPT_TIMEOUT_MS, milliseconds(call_.timeout));
  if (!good || call_.authorities.empty()) return good;
  curl_blob blob{call_.authorities.data(), call_.authorities.size(), CURL_BLOB_COPY};
  const char* const none = nullptr;
  return set(CURLOPT_CAINFO_BLOB, &blob) && set(CURLOPT_CAPATH, none);
}

bool HttpExchange::set_request() {
  const auto add = [&](const std::string& line) {
    curl_slist* const longer = curl_slist_append(headers_.get(), line.c_str());
    if (!longer) return false;
    (void)headers_.release();
    headers_.reset(longer);
    return true;
  };
  for (const auto& [name, value] : call_.headers) {
    if (!add(value.empty() ? name + ";" : name + ": " + value)) return false;  // ";" is libcurl's word for an empty one
  }
  // What libcurl would add by itself.
  if (!add("Expect:") || (!has_header(call_, "content-type") && !add("Content-Type:"))) return false;
  const bool has_body = !call_.body.empty() || call_.method == "POST" || call_.method == "PUT";
  bool good = set(CURLOPT_USERAGENT, "jlinkd") && set(CURLOPT_HTTPHEADER, headers_.get());
  if (call_.method == "HEAD") {
    good = good && set(CURLOPT_NOBODY, kYes);
  } else if (has_body) {
    good = good && set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call_.body.size())) &&
           set(CURLOPT_POSTFIELDS, call_.body.data());
  }
  good = good && set(CURLOPT_CUSTOMREQUEST, call_.method.c_str());
  if (!good || call_.username.empty()) return good;
  return set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC)) && set(CURLOPT_USERNAME, call_.username.c_str()) &&
         set(CURLOPT_PASSWORD, call_.password.reveal().c_str());
}

bool HttpExchange::set_answer() {
  return set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(call_.max_body)) &&
         set(CURLOPT_WRITEFUNCTION, &HttpExchange::take_body) && set(CURLOPT_WRITEDATA, this) &&
         set(CURLOPT_HEADERFUNCTION, &HttpExchange::take_header) && set(CURLOPT_HEADERDATA, this);
}

std::size_t HttpExchange::take_body(char* data, std::size_t one, std::size_t size, void* self) {
  auto& exchange = *static_cast<HttpExchange*>(self);
  const std::size_t bytes = one * size;
  if (bytes > exchange.call_.max_body - exchange.body_.size()) {
    exchange.failure_ = exchange.failed(CURLE_FILESIZE_EXCEEDED);
    return 0;
  }
  try {
    exchange.body_.append(data, bytes);
    return bytes;
  } catch (const std::bad_alloc&) {  // libcurl is C: nothing may fly through it
    return 0;
  }
}

std::size_t HttpExchange::take_header(char*, std::size_t one, std::size_t size, void* self) {
  auto& exchange = *static_cast<HttpExchange*>(self);
  exchange.header_bytes_ += one * size;
  if (exchange.header_bytes_ <= kMaxHeader) return one * size;
  exchange.failure_ = Error(Errc::too_large, fmt::format("the head of the answer of {} has more than {} bytes",
                                                         place_of(exchange.call_.url), kMaxHeader));
  return 0;
}

Result<HttpReply> HttpExchange::outcome(CURLcode code) {
  if (failure_) return *failure_;
  if (code != CURLE_OK) return failed(code);
  HttpReply reply;
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  const char* type = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
  if (type) reply.content_type = type;
  reply.body = std::move(body_);
  return reply;
}

const char* HttpExchange::words(CURLcode code) const {
  return words_[0] != '\0' ? words_.data() : curl_easy_strerror(code);
}

Error HttpExchange::timed_out() const {
  const std::string place = place_of(call_.url);
  curl_off_t ready = 0;
  if (easy_) curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &ready);
  if (ready != 0)
    return {Errc::timeout, fmt::format("{} did not answer within {} ms", place, milliseconds(call_.timeout))};
  const bool is_over = std::chrono::steady_clock::now() >= deadline_;  // also of those that waited for their turn
  return {Errc::timeout, fmt::format("no connection to {} within {} ms", place,
                                     milliseconds(is_over ? call_.timeout : call_.connect_timeout))};
}

Error HttpExchange::failed(CURLcode code) const {
  const std::string place = place_of(call_.url);
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return {Errc::network,
              fmt::format("{} cannot be connected to: {}", place, connect_reason(easy_.get(), words(code)))};
    case CURLE_OPERATION_TIMEDOUT:
      return timed_out();
    case CURLE_PEER_FAILED_VERIFICATION:
      return {Errc::network, fmt::format("the certificate of {} is not trusted: {}", place,
                                         certificate_reason(easy_.get(), words(code)))};
    case CURLE_SSL_CACERT_BADFILE:
      return {Errc::network, "the certificate authorities cannot be read: " + shown_words(words(code))};
    case CURLE_FILESIZE_EXCEEDED:
      return {Errc::too_large, fmt::format("the answer of {} has more than {} bytes", place, call_.max_body)};
    case CURLE_OUT_OF_MEMORY:
      return no_libcurl();
    default:
      return {Errc::network, fmt::format("{}: {}", place, shown_words(words(code)))};
  }
}

void HttpExchange::finish(Result<HttpReply> result) {
  const HttpDone done = std::exchange(done_, nullptr);
  if (!done) return;
  try {
    done(std::move(result));
  } catch (const std::exception& e) {
    log::error("network.http_client", "an answer was not taken place={} error={}", place_of(call_.url), e.what());
  }
}

}  // namespace jl::network

#pragma once
// One HTTP call as libcurl sees it: its handle, the answer that gathers, and what became of it. Private to the HTTP
// client, whose thread owns it.
#include "daemon/network/curl_support.hpp"
#include "daemon/network/http_client.hpp"

#include <array>
#include <chrono>
#include <optional>

namespace jl::network {

class HttpExchange {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// The time limit runs from here: waiting for a connection counts.
  HttpExchange(HttpCall call, HttpDone done);
  HttpExchange(const HttpExchange&) = delete;

  /// Sets the handle up. Errors: invalid (URL, method, headers), unavailable (no memory).
  [[nodiscard]] Status prepare();
  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  [[nodiscard]] Time deadline() const { return deadline_; }
  /// What the transfer came to.
  [[nodiscard]] Result<HttpReply> outcome(CURLcode code);
  /// What it is when the deadline passed.
  [[nodiscard]] Error timed_out() const;
  /// Tells the caller, once.
  void finish(Result<HttpReply> result);

 private:
  template <class Value>
  bool set(CURLoption option, Value value) {
    return curl_easy_setopt(easy_.get(), option, value) == CURLE_OK;
  }
  [[nodiscard]] bool set_connection();
  [[nodiscard]] bool set_request();
  [[nodiscard]] bool set_answer();
  [[nodiscard]] Status check_headers() const;
  [[nodiscard]] Error failed(CURLcode code) const;
  [[nodiscard]] const char* words(CURLcode code) const;
  static std::size_t take_body(char* data, std::size_t one, std::size_t size, void* self);
  static std::size_t take_header(char* data, std::size_t one, std::size_t size, void* self);

  HttpCall call_;
  HttpDone done_;
  Time deadline_;
  std::array<char, CURL_ERROR_SIZE> words_{};
  std::string body_;
  std::size_t header_bytes_ = 0;
  std::optional<Error> failure_;  // found while it ran
  CurlList headers_;              // libcurl reads it until the handle is gone
  CurlEasy easy_;
};

}  // namespace jl::network

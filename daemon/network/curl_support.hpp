#pragma once
// What the users of libcurl in this folder share: owners of its handles, and its words in messages of ours.
#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>

namespace jl::network {

template <auto Free>
struct CurlFree {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using CurlEasy = std::unique_ptr<CURL, CurlFree<curl_easy_cleanup>>;
using CurlMulti = std::unique_ptr<CURLM, CurlFree<curl_multi_cleanup>>;
using CurlUrl = std::unique_ptr<CURLU, CurlFree<curl_url_cleanup>>;
using CurlList = std::unique_ptr<curl_slist, CurlFree<curl_slist_free_all>>;

/// Sets libcurl up, once for the process; false when that failed.
[[nodiscard]] bool curl_is_ready();

/// Somebody else's words in a message of ours: printable ASCII, at most 200 bytes, and as ours begin.
[[nodiscard]] std::string shown_words(std::string_view text);

/// A part of a URL, "" when it has none.
[[nodiscard]] std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0);

/// "host:port" of a URL in quotes, for messages; "the server" when it cannot be read.
[[nodiscard]] std::string place_of(const std::string& url);

/// Why a connection did not come about (CURLE_COULDNT_CONNECT): the system's word, else libcurl's `words`.
[[nodiscard]] std::string connect_reason(CURL* easy, std::string_view words);

/// Why a certificate was not taken (CURLE_PEER_FAILED_VERIFICATION): OpenSSL's verdict, else libcurl's `words`.
[[nodiscard]] std::string certificate_reason(CURL* easy, std::string_view words);

}  // namespace jl::network

#pragma once
// CoAP messages as plain values, without libcoap: a request that came, and what is to be sent.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

/// The value of Block1 or Block2 (RFC 7959 §2.2).
struct CoapBlock {
  static constexpr std::uint8_t kLargest = 6;  ///< size exponent of 1024 bytes; 7 is reserved
  std::uint32_t number = 0;
  bool more = false;
  std::uint8_t exponent = kLargest;
  [[nodiscard]] std::size_t size() const { return std::size_t{16} << exponent; }
  [[nodiscard]] std::size_t offset() const { return number * size(); }
  bool operator==(const CoapBlock&) const = default;
};

/// A request as it came, blocks not put together. Views are valid while libcoap is in the callback that hands it over.
struct CoapMessage {
  static constexpr std::size_t kMostEtags = 8;
  bool is_confirmable = false;
  int method = 0;        ///< 1 GET ... 7 iPATCH
  std::uint16_t id = 0;  ///< message ID
  std::string_view token;
  std::string path;                ///< "/a/b"
  std::string query;               ///< "a=1&b=2"
  std::string_view payload;        ///< of this datagram
  std::string_view device_option;  ///< option 2100
  std::string_view request_tag;    ///< RFC 9175 §3: tells apart bodies that are sent at once
  int content_format = -1;         ///< -1 = absent, like the others
  int accept = -1;
  int observe = -1;
  std::uint32_t no_response = 0;  ///< RFC 7967 §2.1: bit (class - 1) set = no response of that class wanted
  std::optional<std::uint32_t> size1{};
  std::optional<CoapBlock> block1{}, block2{};
  std::vector<std::string> etags{};  ///< of what the peer has (RFC 7252 §5.10.6.2); of more than kMostEtags the first
  int fault = 0;                     ///< the code that it is refused with before anybody looks at it; 0 = none
  std::size_t bytes = 0;             ///< of the datagram
  std::uint64_t fingerprint = 0;     ///< of all of it but the message ID

  /// GET or FETCH: asks for a representation, and may observe it.
  [[nodiscard]] bool is_reading() const { return method == 1 || method == 5; }
};

/// What is to be sent.
struct CoapReply {
  enum class Kind : std::uint8_t { acknowledgement, confirmable, non_confirmable };
  Kind kind = Kind::acknowledgement;
  int code = 0;          ///< class * 100 + detail; 0 = an empty acknowledgement
  std::uint16_t id = 0;  ///< of the request; only of an acknowledgement, others get a new one
  std::string token{};
  int content_format = -1;
  std::optional<std::uint32_t> observe{}, max_age{}, size1{}, size2{};
  std::string etag{};  ///< 1 to 8 bytes; "" = none
  std::optional<CoapBlock> block1{}, block2{};
  std::string payload{};
};

}  // namespace jl::network

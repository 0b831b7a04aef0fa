#include "daemon/network/coap_pdu.hpp"

#include <coap3/coap.h>
#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <span>

namespace jl::network {
namespace {

constexpr std::uint16_t kDeviceOption = 2100;
constexpr std::size_t kHeader = 4;

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), bytes == nullptr ? 0 : size};
}

/// Longer ones than 4 bytes do not come through libcoap's parser.
std::uint32_t number_of(std::string_view value) {
  std::uint32_t number = 0;
  for (const char byte : value) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// A segment that could be taken for more than one, or for another place (RFC 7252 §6.5: "." and ".." do not occur).
bool is_odd_segment(std::string_view segment) {
  return segment == "." || segment == ".." || segment.find('/') != std::string_view::npos || has_control(segment);
}

std::optional<CoapBlock> block_of(std::string_view value, int& fault) {
  const std::uint32_t number = number_of(value);
  CoapBlock block{number >> 4, (number & 8u) != 0, static_cast<std::uint8_t>(number & 7u)};
  if (block.exponent > CoapBlock::kLargest) fault = 400;  // RFC 7959 §2.2
  return block;
}

/// One option of a request; those that are known to libcoap and not to us carry nothing that we need.
void take(CoapMessage& message, std::uint16_t number, std::string_view value) {
  switch (number) {
    case COAP_OPTION_URI_PATH:
      if (is_odd_segment(value)) message.fault = 400;
      message.path.append("/").append(value);
      break;
    case COAP_OPTION_URI_QUERY:
      if (value.find('&') != std::string_view::npos || has_control(value)) message.fault = 400;
      message.query.append(message.query.empty() ? "" : "&").append(value);
      break;
    case COAP_OPTION_CONTENT_FORMAT:
      message.content_format = static_cast<int>(number_of(value));
      break;
    case COAP_OPTION_ACCEPT:
      message.accept = static_cast<int>(number_of(value));
      break;
    case COAP_OPTION_OBSERVE:
      message.observe = static_cast<int>(number_of(value));
      break;
    case COAP_OPTION_NORESPONSE:
      message.no_response = number_of(value);
      break;
    case COAP_OPTION_SIZE1:
      message.size1 = number_of(value);
      break;
    case COAP_OPTION_BLOCK1:
      message.block1 = block_of(value, message.fault);
      break;
    case COAP_OPTION_BLOCK2:
      message.block2 = block_of(value, message.fault);
      break;
    case COAP_OPTION_IF_MATCH:
    case COAP_OPTION_IF_NONE_MATCH:
      message.fault = 402;
      break;
    case COAP_OPTION_ETAG:
      if (message.etags.size() < CoapMessage::kMostEtags) message.etags.emplace_back(value);
      break;
    case COAP_OPTION_RTAG:
      message.request_tag = value;
      break;
    case kDeviceOption:
      message.device_option = value;
      break;
    default:
      break;
  }
}

/// Appends options to a PDU and counts their bytes.
class OptionWriter {
 public:
  explicit OptionWriter(coap_pdu_t& pdu) : pdu_(pdu) {}
  void bytes(std::uint16_t number, std::span<const std::uint8_t> value) {
    const std::size_t size = coap_add_option(&pdu_, number, value.size(), value.data());
    ok_ = ok_ && size > 0;
    size_ += size;
  }
  void number(std::uint16_t option, std::uint32_t value) {
    std::array<std::uint8_t, 4> bytes_of{};
    const unsigned size = coap_encode_var_safe(bytes_of.data(), bytes_of.size(), value);
    bytes(option, std::span(bytes_of).first(size));
  }
  void number(std::uint16_t option, const std::optional<std::uint32_t>& value) {
    if (value) number(option, *value);
  }
  void text(std::uint16_t option, std::string_view value) {
    bytes(option, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
  }
  void block(std::uint16_t option, const std::optional<CoapBlock>& value) {
    if (value) number(option, value->number << 4 | (value->more ? 8u : 0u) | value->exponent);
  }
  void payload(std::string_view value) {
    if (value.empty()) return;
    ok_ = ok_ && coap_add_data(&pdu_, value.size(), reinterpret_cast<const std::uint8_t*>(value.data())) == 1;
    size_ += 1 + value.size();
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  coap_pdu_t& pdu_;
  bool ok_ = true;
  std::size_t size_ = 0;
};

coap_pdu_code_t code_of(int code) { return static_cast<coap_pdu_code_t>(code / 100 << 5 | code % 100); }

coap_pdu_type_t type_of(CoapReply::Kind kind) {
  switch (kind) {
    case CoapReply::Kind::confirmable:
      return COAP_MESSAGE_CON;
    case CoapReply::Kind::non_confirmable:
      return COAP_MESSAGE_NON;
    default:
      return COAP_MESSAGE_ACK;
  }
}

}  // namespace

CoapMessage read_pdu(const coap_pdu_t& pdu) {
  CoapMessage message;
  message.is_confirmable = coap_pdu_get_type(&pdu) == COAP_MESSAGE_CON;
  message.method = coap_pdu_get_code(&pdu);
  message.id = static_cast<std::uint16_t>(coap_pdu_get_mid(&pdu));
  const coap_bin_const_t token = coap_pdu_get_token(&pdu);
  message.token = text_of(token.s, token.length);
  const std::uint8_t* end = token.s + token.length;

  coap_opt_iterator_t each;
  coap_option_iterator_init(&pdu, &each, COAP_OPT_ALL);
  while (const coap_opt_t* option = coap_option_next(&each)) {
    take(message, each.number, text_of(coap_opt_value(option), coap_opt_length(option)));
    end = option + coap_opt_size(option);
  }
  if (message.path.empty()) message.path = "/";

  std::size_t size = 0;
  const std::uint8_t* data = nullptr;
  if (coap_get_data(&pdu, &size, &data) == 1) {
    message.payload = text_of(data, size);
    end = data + size;
  }
  const auto content = text_of(token.s, static_cast<std::size_t>(end - token.s));
  message.bytes = kHeader + content.size();
  // libcoap reads that many bytes of a datagram and does not look whether it was longer.
  if (message.bytes >= COAP_RXBUFFER_SIZE) message.fault = 413;
  message.fingerprint = std::hash<std::string_view>{}(content) ^
                        (static_cast<std::uint64_t>(message.method) << 1 | (message.is_confirmable ? 1u : 0u));
  return message;
}

bool complete_pdu(coap_pdu_t& pdu, const CoapReply& reply, std::size_t& bytes) {
  coap_pdu_set_code(&pdu, code_of(reply.code));
  OptionWriter writer(pdu);
  if (!reply.etag.empty()) writer.text(COAP_OPTION_ETAG, reply.etag);
  writer.number(COAP_OPTION_OBSERVE, reply.observe);
  // Of diagnostic texts RFC 7252 §5.5.2 says the same.
  if (!reply.payload.empty() && reply.content_format >= 0) {
    writer.number(COAP_OPTION_CONTENT_FORMAT, static_cast<std::uint32_t>(reply.content_format));
  }
  writer.number(COAP_OPTION_MAXAGE, reply.max_age);
  writer.block(COAP_OPTION_BLOCK2, reply.block2);
  writer.block(COAP_OPTION_BLOCK1, reply.block1);
  writer.number(COAP_OPTION_SIZE2, reply.size2);
  writer.number(COAP_OPTION_SIZE1, reply.size1);
  writer.payload(reply.payload);
  bytes = writer.size();
  return writer.ok();
}

coap_pdu_t* write_pdu(const CoapReply& reply, std::uint16_t new_id, std::size_t limit, std::size_t& bytes) {
  const bool has_id = reply.kind == CoapReply::Kind::acknowledgement;
  std::unique_ptr<coap_pdu_t, decltype(&coap_delete_pdu)> pdu(
      coap_pdu_init(type_of(reply.kind), code_of(reply.code), has_id ? reply.id : new_id, limit), &coap_delete_pdu);
  if (pdu == nullptr) return nullptr;
  const auto* token = reinterpret_cast<const std::uint8_t*>(reply.token.data());
  if (reply.code != 0 && coap_add_token(pdu.get(), reply.token.size(), token) == 0) return nullptr;
  std::size_t options = 0;
  if (!complete_pdu(*pdu, reply, options)) return nullptr;
  bytes = kHeader + (reply.code != 0 ? reply.token.size() : 0) + options;
  return pdu.release();
}

}  // namespace jl::network

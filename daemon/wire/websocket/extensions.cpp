#include "daemon/wire/websocket/extensions.hpp"

#include <algorithm>
#include <vector>

namespace jl::wire::websocket {
namespace {

constexpr int kMinBits = 8;  // RFC 7692 §7.1.2; a server of ours needs 9, because zlib has no raw stream of less
constexpr int kMaxBits = 15;

// RFC 9110 §5.6.2
bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

struct Parameter {
  std::string_view name;
  std::optional<std::string> value;
};
struct Offer {
  std::string_view name;
  std::vector<Parameter> parameters;
};

/// Reads the grammar of RFC 6455 §9.1 from left to right; after a mistake it stays where that is.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() {
    skip_space();
    return rest_.empty();
  }
  [[nodiscard]] bool take(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] std::string_view token() {
    skip_space();
    const auto* const end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    const auto found = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(found.size());
    return found;
  }
  /// A token, or a quoted string that stands for one. Nothing: neither.
  [[nodiscard]] std::optional<std::string> value() {
    if (!take('"')) {
      const std::string_view plain = token();
      return plain.empty() ? std::nullopt : std::optional<std::string>(plain);
    }
    std::string text;
    for (; !rest_.empty() && rest_.front() != '"'; rest_.remove_prefix(1)) {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty() || !is_token_char(rest_.front())) return std::nullopt;
      text.push_back(rest_.front());
    }
    if (text.empty() || !take('"')) return std::nullopt;
    return text;
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  std::string_view rest_;
};

bool read_offer(Scanner& in, Offer& offer) {
  offer.name = in.token();
  if (offer.name.empty()) return false;
  while (in.take(';')) {
    Parameter parameter{in.token(), std::nullopt};
    if (parameter.name.empty()) return false;
    if (in.take('=')) {
      parameter.value = in.value();
      if (!parameter.value) return false;
    }
    offer.parameters.push_back(std::move(parameter));
  }
  return true;
}

// A number of bits: 8 to 15, without leading zeros (RFC 7692 §7.1.2.1). 0 = something else.
int window_bits(const std::string& text) {
  if (text.empty() || text.size() > 2 || text.front() == '0') return 0;
  int bits = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    bits = 10 * bits + (c - '0');
  }
  return bits >= kMinBits && bits <= kMaxBits ? bits : 0;
}

// An offer with a parameter that is unknown, repeated, or has no such value is declined as a whole (RFC 7692 §7.1).
std::optional<DeflateAgreement> consider(const Offer& offer) {
  if (offer.name != "permessage-deflate") return std::nullopt;
  DeflateAgreement agreement;
  std::vector<std::string_view> seen;
  for (const Parameter& each : offer.parameters) {
    if (std::find(seen.begin(), seen.end(), each.name) != seen.end()) return std::nullopt;
    seen.push_back(each.name);
    if (each.name == "server_no_context_takeover" || each.name == "client_no_context_takeover") {
      if (each.value) return std::nullopt;
    } else if (each.name == "client_max_window_bits") {
      if (each.value && window_bits(*each.value) == 0) return std::nullopt;
    } else if (each.name == "server_max_window_bits") {
      const int bits = each.value ? window_bits(*each.value) : 0;
      if (bits <= kMinBits) return std::nullopt;
      agreement.server_window_bits = static_cast<std::uint8_t>(bits);
      agreement.bits_asked = true;
    } else {
      return std::nullopt;
    }
  }
  return agreement;
}

}  // namespace

Result<std::optional<DeflateAgreement>> choose_deflate(std::string_view offers) {
  Scanner in(offers);
  std::optional<DeflateAgreement> agreed;
  while (!in.at_end()) {
    if (in.take(',')) continue;  // empty elements mean nothing (RFC 9110 §5.6.1)
    Offer offer;
    if (!read_offer(in, offer) || (!in.at_end() && !in.take(','))) {
      return Error(Errc::invalid, "Sec-WebSocket-Extensions is malformed");
    }
    if (!agreed) agreed = consider(offer);
  }
  return agreed;
}

std::string describe(const DeflateAgreement& agreement) {
  std::string text = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  if (agreement.bits_asked) text += "; server_max_window_bits=" + std::to_string(agreement.server_window_bits);
  return text;
}

}  // namespace jl::wire::websocket

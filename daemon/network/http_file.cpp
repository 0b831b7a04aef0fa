#include "daemon/network/http_file.hpp"

#include "common/base/base64.hpp"
#include "common/base/hex.hpp"
#include "common/base/words.hpp"
#include "daemon/network/http_text.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <optional>

namespace jl::network {
namespace {

// ---- entity tags (RFC 9110 §8.8.3)

struct EntityTag {
  std::string_view opaque;
  bool is_weak = false;
};

bool is_opaque_tag(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7F);
  });
}

/// Takes one off the front.
std::optional<EntityTag> take_tag(std::string_view& text) {
  const bool is_weak = text.starts_with("W/");  // case-sensitive
  const std::string_view quoted = text.substr(is_weak ? 2 : 0);
  if (!quoted.starts_with('"')) return std::nullopt;
  const std::size_t end = quoted.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  const EntityTag tag{quoted.substr(1, end - 1), is_weak};
  if (!is_opaque_tag(tag.opaque)) return std::nullopt;
  text = quoted.substr(end + 1);
  return tag;
}

enum class Comparison : std::uint8_t { strong, weak };  // §8.8.3.2

/// Whether "*" or a list names the file's tag ("" = it has none). A malformed list names what stands before its fault.
bool names_tag(std::string_view list, std::string_view etag, Comparison comparison) {
  if (list == "*") return true;
  for (;;) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));  // empty elements, §5.6.1.2
    const auto tag = take_tag(list);
    if (!tag) return false;
    list.remove_prefix(std::min(list.find_first_not_of(" \t"), list.size()));
    if (!list.empty() && list.front() != ',') return false;
    const bool counts = comparison == Comparison::weak || !tag->is_weak;
    if (counts && !etag.empty() && tag->opaque == etag) return true;
  }
}

// ---- preconditions

/// The validators of the file as it is now.
struct Current {
  std::string_view etag;             // "" = none
  std::optional<Millis> modified{};  // whole seconds
  Millis now = 0;
};

Current validators_of(const HttpFileFacts& facts, Millis now) {
  Current current{is_opaque_tag(facts.etag) ? facts.etag : std::string_view(), {}, now};
  // A server's Last-Modified is not later than its Date (§8.8.2.1).
  const Millis modified = std::min(facts.modified, now);
  if (modified > 0) current.modified = modified / 1000 * 1000;
  return current;
}

/// The status of a precondition that ends the matter; 0 = the request is served. In the order of §13.2.2.
int judge_preconditions(const HttpFileRequest& request, const Current& current) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const auto date = [&](std::string_view text) { return parse_http_date(text, current.now); };
  if (!request.if_match.empty()) {
    if (!names_tag(request.if_match, current.etag, Comparison::strong)) return 412;
  } else if (const auto since = date(request.if_unmodified_since); since && current.modified) {
    if (*current.modified > *since) return 412;
  }
  if (!request.if_none_match.empty()) {
    if (names_tag(request.if_none_match, current.etag, Comparison::weak)) return reads ? 304 : 412;
  } else if (const auto since = date(request.if_modified_since); reads && since && current.modified) {
    if (*current.modified <= *since) return 304;
  }
  return 0;
}

/// Whether the client's part belongs to this very file (§13.1.5): only a strong validator says so. A date is one when
/// its second is over, so that what was served before could not have been changed within it (§8.8.2.2).
bool judge_if_range(std::string_view field, const Current& current) {
  std::string_view rest = field;
  if (const auto tag = take_tag(rest)) {
    return rest.empty() && !tag->is_weak && !current.etag.empty() && tag->opaque == current.etag;
  }
  const auto date = parse_http_date(field, current.now);
  return date && current.modified && *date == *current.modified && current.now >= *current.modified + 1000;
}

// ---- ranges (§14.1.2)

/// A number of any length, compared exactly.
struct Number {
  std::string_view digits;  // without leading zeros
  [[nodiscard]] bool operator<(const Number& other) const {
    return digits.size() != other.digits.size() ? digits.size() < other.digits.size() : digits < other.digits;
  }
  /// The greatest value there is when it is greater still: no file is that long.
  [[nodiscard]] std::uint64_t value() const {
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc::result_out_of_range ? UINT64_MAX : out;
  }
};

std::optional<Number> number_of(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return Number{text.substr(std::min(text.find_first_not_of('0'), text.size()))};
}

struct Part {
  std::uint64_t offset = 0, length = 0;  // length 0 = not satisfiable
};

/// One "0-499", "500-" or "-500"; nothing when it is invalid.
std::optional<Part> part_of(std::string_view spec, std::uint64_t size) {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view end = spec.substr(dash + 1);
  const auto last = number_of(end);
  if (dash == 0) {
    if (!last) return std::nullopt;
    const std::uint64_t length = std::min(last->value(), size);
    return Part{size - length, length};
  }
  const auto first = number_of(spec.substr(0, dash));
  if (!first || (!last && !end.empty()) || (last && *last < *first)) return std::nullopt;
  const std::uint64_t offset = first->value();
  if (offset >= size) return Part{};
  return Part{offset, (last ? std::min(last->value(), size - 1) : size - 1) - offset + 1};
}

/// The part that a field asks for; nothing when it is to be ignored: another unit, or an invalid set (§14.2).
std::optional<Part> judge_range(std::string_view field, std::uint64_t size) {
  const std::size_t equals = field.find('=');
  if (equals == std::string_view::npos || !iequals(field.substr(0, equals), "bytes")) return std::nullopt;
  // Some clients ask for a range always; of nothing there is none, and a server may say so with the whole (§14.2).
  if (size == 0) return std::nullopt;
  std::optional<Part> part;
  std::string_view set = field.substr(equals + 1);
  while (!set.empty()) {
    std::string_view spec = trim(set.substr(0, set.find(',')));
    set.remove_prefix(std::min(set.find(','), set.size() - 1) + 1);
    if (spec.empty()) continue;
    // Several ranges would be multipart/byteranges, which no device asks for: a server may ignore a Range field
    // (§14.2), and the whole file holds them all.
    if (part) return std::nullopt;
    part = part_of(spec, size);
    if (!part) return std::nullopt;
  }
  return part;
}

// ---- fields

std::string digest_of(std::string_view sha256) {
  const auto bytes = from_hex(sha256);
  return sha256.size() == 64 && bytes && bytes->size() == 32 ? fmt::format("sha-256=:{}:", to_base64(*bytes))
                                                             : std::string();
}

void add_validators(HttpFileAnswer& answer, const Current& current, bool only_one) {
  if (!current.etag.empty()) answer.headers.emplace_back("ETag", fmt::format("\"{}\"", current.etag));
  if (!current.modified || (only_one && !current.etag.empty())) return;
  answer.headers.emplace_back("Last-Modified", http_date(*current.modified));
}

/// Of 200, and of a 206 whose client does not say that it has them already (§15.3.7).
void add_description(HttpFileAnswer& answer, const HttpFileFacts& facts) {
  answer.content_type = facts.content_type;
  if (std::string digest = digest_of(facts.sha256); !digest.empty()) {
    answer.headers.emplace_back("Repr-Digest",
                                std::move(digest));  // of the whole file, whatever part goes (RFC 9530 §3)
  }
  if (!facts.file_name.empty()) {
    answer.headers.emplace_back("Content-Disposition", attachment_disposition(facts.file_name));
  }
}

}  // namespace

HttpFileAnswer answer_file_request(const HttpFileRequest& request, const HttpFileFacts& facts, Millis now) {
  const Current current = validators_of(facts, now);
  HttpFileAnswer answer;
  answer.status = judge_preconditions(request, current);
  if (answer.status == 304) add_validators(answer, current, true);  // §15.4.5
  if (answer.status != 0) return answer;

  answer.status = 200;
  answer.length = facts.size;
  answer.headers.emplace_back("Accept-Ranges", "bytes");
  const bool resumes = !request.if_range.empty();
  const bool may_be_part = request.method == "GET" && (!resumes || judge_if_range(request.if_range, current));
  const auto part = may_be_part ? judge_range(request.range, facts.size) : std::nullopt;
  if (part && part->length == 0) {
    answer.status = 416;
    answer.length = 0;
    answer.headers.emplace_back("Content-Range", fmt::format("bytes */{}", facts.size));
    return answer;
  }
  if (part) {
    answer.status = 206;
    answer.offset = part->offset;
    answer.length = part->length;
    answer.headers.emplace_back(
        "Content-Range", fmt::format("bytes {}-{}/{}", part->offset, part->offset + (part->length - 1), facts.size));
  }
  add_validators(answer, current, part && resumes);
  if (!part || !resumes) add_description(answer, facts);
  return answer;
}

std::string attachment_disposition(std::string_view file_name) {
  static constexpr std::string_view kAttrMarks = "!#$&+-.^_`|~";  // RFC 8187 §3.2.1, besides letters and digits
  std::string plain;                                              // what every client understands (RFC 6266 appendix D)
  std::string extended;                                           // percent-encoded UTF-8
  for (char c : file_name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '/' || c == '\\') c = '_';
    plain.push_back(byte >= 0x80 || c == '"' || c == '%' ? '_' : c);
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_letter || kAttrMarks.find(c) != std::string_view::npos) {
      extended.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(extended), "%{:02X}", byte);
    }
  }
  if (plain.empty() || plain == "." || plain == "..") return "attachment";
  const bool fits = std::none_of(file_name.begin(), file_name.end(),
                                 [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == '"' || c == '%'; });
  std::string out = fmt::format("attachment; filename=\"{}\"", plain);
  if (!fits && utf8_length(file_name) != std::string_view::npos) out.append("; filename*=UTF-8''").append(extended);
  return out;
}

}  // namespace jl::network

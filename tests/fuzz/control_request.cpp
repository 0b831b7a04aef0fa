// The target and the body of a request on the control socket. Input: the target up to the first newline, then one byte
// that sets the size of the pieces, then the body.
#include "daemon/control/request.cpp"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace jl;

void check(bool claim) {
  if (!claim) std::abort();
}

void check_target(std::string_view text) {
  const auto target = control::parse_target(text);
  if (!target) return check(target.error().code == Errc::bad_request);
  check(target->path.starts_with('/'));
  check(target->query.size() <= control::kMaxParameters);
  for (const auto* method : {"GET", "POST", "PATCH", "DELETE", "HEAD"}) {
    const auto found = control::route(method, target->path);
    if (!found.command) continue;
    const auto status = control::check_query(*found.command, target->query);
    check(status || status.error().code == Errc::bad_request);
  }
  check(control::nearest_path(target->path).find('\n') == std::string::npos);
  (void)control::allowed_methods(target->path);
}

Result<boost::json::object> parse(std::string_view text, std::size_t piece) {
  control::BodyParser parser(10'000);
  while (!text.empty()) {
    JL_CHECK(parser.feed(text.substr(0, piece)));
    text.remove_prefix(std::min(piece, text.size()));
  }
  return parser.finish();
}

// However a body is cut into pieces, the same comes out.
void check_body(std::string_view text, std::size_t piece) {
  const auto whole = parse(text, SIZE_MAX);
  const auto pieces = parse(text, piece);
  check(whole.has_value() == pieces.has_value());
  if (!whole) {
    const auto expected = [](Errc code) { return code == Errc::bad_request || code == Errc::too_large; };
    check(expected(whole.error().code) && expected(pieces.error().code));
    return;
  }
  check(boost::json::serialize(*whole) == boost::json::serialize(*pieces));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line_end = std::min(text.find('\n'), text.size());
  check_target(text.substr(0, line_end));
  if (line_end + 2 > text.size()) return 0;
  const auto piece = static_cast<std::size_t>(static_cast<unsigned char>(text[line_end + 1])) % 17 + 1;
  check_body(text.substr(line_end + 2), piece);
  return 0;
}

// Arbitrary bytes as requests of one connection, given whole to one chain of readers and in pieces to another: both
// must make the same of them. What a reader lets through is as it promises.
#include "daemon/network/http_request.hpp"
#include "common/base/assert.hpp"
#include "common/base/words.hpp"
#include "daemon/network/http_handshake.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace {
using namespace jl::network;
using Step = HttpRequestReader::Step;

class Connection {
 public:
  explicit Connection(const HttpRequestLimits& limits) : limits_(limits) {}

  void feed(std::string_view in) {
    while (!in.empty() && !over_) {
      if (reader_ == nullptr) {
        if (!HttpRequestReader::is_start(in.front())) {
          in.remove_prefix(1);
          continue;
        }
        reader_ = std::make_unique<HttpRequestReader>(limits_);
      }
      Step step = reader_->take(in);
      if (step == Step::head) {
        check_head();
        step = reader_->take(in);
      }
      JL_ASSERT(step != Step::head && (step != Step::more || in.empty()));
      if (step == Step::refused) refuse();
      if (step == Step::complete) complete();
    }
  }
  std::uint64_t story() const { return (story_ ^ (reader_ != nullptr ? 1u : 0u)) * 1099511628211u; }

 private:
  // FNV-1a over everything that was read.
  void tell(std::string_view text) {
    for (const char c : text) story_ = (story_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
    story_ = (story_ ^ 0xFFu) * 1099511628211u;
  }
  void refuse() {
    const int status = reader_->refusal().status;
    JL_ASSERT(status >= 400 && status <= 505 && !reader_->refusal().detail.empty());
    tell(reader_->refusal().detail);
    over_ = true;
    reader_.reset();
  }
  void check_head() const {
    const HttpHead& head = reader_->head();
    JL_ASSERT(reader_->has_head() && !head.method.empty());
    JL_ASSERT(head.path == "*" || head.path.starts_with('/'));
    JL_ASSERT(head.path.find('\0') == std::string::npos && jl::utf8_length(head.path) != std::string::npos);
    JL_ASSERT(head.path.size() == 1 || !head.path.ends_with('/'));
    JL_ASSERT(head.query.find('\n') == std::string_view::npos);
    JL_ASSERT(head.version == 10 || head.version == 11);
    JL_ASSERT(!head.expects_continue || (head.has_body && head.version == 11));
    if (!head.upgrades) return;
    const HttpHandshake handshake = judge_handshake(head, true);
    JL_ASSERT((handshake.refusal.status == 0) == (handshake.accept.size() == 28));
    JL_ASSERT(handshake.extensions.empty() == (handshake.deflate_bits == 0));
  }
  void complete() {
    const HttpHead& head = reader_->head();
    JL_ASSERT(reader_->body().size() <= limits_.max_body && (head.has_body || reader_->body().empty()));
    for (const std::string_view each :
         {head.method, std::string_view(head.path), head.query, reader_->body(), head.authorization, head.content_type,
          head.websocket_key, std::string_view(head.websocket_extensions)}) {
      tell(each);
    }
    tell(head.keep_alive ? "goes on" : "ends");
    over_ = !head.keep_alive;
    reader_.reset();
  }

  const HttpRequestLimits limits_;
  std::unique_ptr<HttpRequestReader> reader_;
  std::uint64_t story_ = 14695981039346656037u;
  bool over_ = false;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t mode = data[0];
  std::uint32_t pieces = data[1] + 1u;
  const std::string input(data + 2, data + size);
  const HttpRequestLimits limits{.max_header = (mode & 1u) != 0 ? 80u : 400u, .max_body = 64};

  Connection whole(limits);
  Connection split(limits);
  whole.feed(input);
  for (std::size_t at = 0; at < input.size();) {
    pieces = pieces * 1664525u + 1013904223u;
    const std::size_t count = (mode & 2u) != 0 ? 1 : 1 + (pieces >> 24u) % 64;
    const std::string piece = input.substr(at, count);  // its own allocation: reading beyond it is seen
    split.feed(piece);
    at += piece.size();
  }
  JL_ASSERT(whole.story() == split.story());
  return 0;
}

#include "daemon/ota/downloads.hpp"

#include "common/base/hex.hpp"
#include "daemon/base/log.hpp"
#include "daemon/network/byte_budget.hpp"
#include "daemon/network/coap_body.hpp"
#include "daemon/network/http_file.hpp"
#include "daemon/network/open_file.hpp"

#include <algorithm>

namespace jl::ota {
namespace json = boost::json;

namespace {

network::HttpResponse refusal(int status, std::string_view code, std::string_view message) {
  network::HttpResponse out;
  out.status = status;
  out.body = json::serialize(json::object{{"success", false}, {"code", code}, {"message", message}});
  return out;
}

constexpr std::uint64_t kLeastNote = 256u << 10u;

}  // namespace

/// One download under way: gives its place back when it ends, and tells the upgrade how far it came, twenty times at
/// most, so that many fast downloads are not slowed down by writing that down.
class Downloads::Lease {
 public:
  Lease(std::shared_ptr<Gate> gate, Upgrades& upgrades, Token token, std::uint64_t size)
      : gate_(std::move(gate)),
        upgrades_(upgrades),
        token_(std::move(token)),
        step_(std::max<std::uint64_t>(kLeastNote, size / 20)) {}
  ~Lease() { gate_->running.fetch_sub(1); }
  Lease(const Lease&) = delete;

  void sent(std::uint64_t bytes, bool ended) {
    gate_->bytes.fetch_add(bytes, std::memory_order_relaxed);
    untold_ += bytes;
    if (untold_ < step_ && !ended) return;
    upgrades_.served(token_, std::exchange(untold_, 0));
  }

 private:
  const std::shared_ptr<Gate> gate_;
  Upgrades& upgrades_;
  const Token token_;
  const std::uint64_t step_;
  std::uint64_t untold_ = 0;
};

std::shared_ptr<Downloads::Gate> Downloads::gate_of(const std::string& server_id) {
  const std::scoped_lock lock(mutex_);
  auto& gate = gates_[server_id];
  if (!gate) gate = std::make_shared<Gate>();
  return gate;
}

std::shared_ptr<network::ByteBudget> Downloads::budget_of(Gate& gate, std::int64_t rate) const {
  const std::scoped_lock lock(gate.mutex);
  if (gate.budget_rate != rate) {
    gate.budget_rate = rate;
    gate.budget =
        rate > 0 ? std::make_shared<network::ByteBudget>(static_cast<std::uint64_t>(rate), clock_.steady()) : nullptr;
  }
  return gate.budget;
}

Downloads::Counters Downloads::read(const Gate& g) {
  return {g.running.load(), g.requests.load(), g.refused.load(), g.turned_away.load(), g.bytes.load()};
}

Downloads::Counters Downloads::counters(std::string_view server_id) const {
  const std::scoped_lock lock(mutex_);
  const auto it = gates_.find(server_id);
  return it == gates_.end() ? Counters{} : read(*it->second);
}

std::map<std::string, Downloads::Counters> Downloads::all_counters() const {
  const std::scoped_lock lock(mutex_);
  std::map<std::string, Counters> out;
  for (const auto& [id, gate] : gates_) out.emplace(id, read(*gate));
  return out;
}

std::variant<std::shared_ptr<const network::OpenFile>, Downloads::Refusal> Downloads::open(const Grant& grant,
                                                                                           Gate& gate) {
  if (const Status may = upgrades_.may_download(grant.token); !may) {
    gate.refused.fetch_add(1, std::memory_order_relaxed);
    return Refusal{403, "denied", may.error().message};
  }
  auto file = network::OpenFile::open(files_.path_of(grant.file_id));
  if (file && (*file)->size() == grant.size) return std::move(*file);
  static log::RateLimit limit;
  std::uint64_t held = 0;
  if (limit.allow(clock_.steady(), held))
    log::error("ota", "firmware={} cannot be served: {}", grant.firmware_id,
               file ? std::string("its file has another size") : file.error().message);
  return Refusal{500, "storage", "the file cannot be read"};
}

network::HttpResponse Downloads::answer(std::string_view network_id, const network::HttpRequest& request) {
  const Millis now = clock_.now();
  if (request.method != "GET" && request.method != "HEAD") {
    auto out = refusal(405, "method_not_allowed", "firmware is fetched with GET or HEAD");
    out.allow = "GET, HEAD";
    return out;
  }
  auto judged = depot_.judge(network_id, request.path, request.query, now);
  if (const auto* denial = std::get_if<Denial>(&judged))
    return refusal(denial->status, denial->status == 404 ? "not_found" : "denied", denial->reason);
  Grant& grant = std::get<Grant>(judged);
  const auto gate = gate_of(grant.server_id);
  gate->requests.fetch_add(1, std::memory_order_relaxed);
  auto opened = open(grant, *gate);
  if (const auto* no = std::get_if<Refusal>(&opened)) return refusal(no->status, no->code, no->message);
  auto& file = std::get<std::shared_ptr<const network::OpenFile>>(opened);
  const network::HttpFileFacts facts{grant.size,      grant.file_id, file->modified(), "application/octet-stream",
                                     grant.file_name, grant.file_id};
  auto answered =
      network::answer_file_request({request.method, request.range, request.if_range, request.if_match,
                                    request.if_none_match, request.if_modified_since, request.if_unmodified_since},
                                   facts, now);
  network::HttpResponse out;
  out.status = answered.status;
  out.content_type = std::move(answered.content_type);
  out.headers = std::move(answered.headers);
  // The address is one device's own, and its key a secret.
  out.headers.emplace_back("Cache-Control", "private");
  if (!answered.has_content()) return out;

  auto part = std::make_shared<network::HttpFile>();
  part->file = std::move(file);
  part->offset = answered.offset;
  part->length = answered.length;
  part->rate = static_cast<std::uint64_t>(grant.server->max_rate);
  part->budget = budget_of(*gate, grant.server->total_rate);
  if (request.method == "GET") {
    // Counted first, so that two that come together do not both get the last place.
    if (gate->running.fetch_add(1) >= static_cast<std::uint64_t>(grant.server->max_downloads)) {
      gate->running.fetch_sub(1);
      gate->turned_away.fetch_add(1, std::memory_order_relaxed);
      auto full = refusal(503, "busy", "too many downloads at once; come back later");
      full.retry_after = grant.server->retry_after;
      return full;
    }
    // That it asks is a sign that it heard of the upgrade, however long the first bytes take.
    upgrades_.served(grant.token, 0);
    part->progress = [lease = std::make_shared<Lease>(gate, upgrades_, std::move(grant.token), grant.size)](
                         std::uint64_t bytes, bool ended) { lease->sent(bytes, ended); };
  }
  out.file = std::move(part);
  return out;
}

// A file as CoAP reads it; what is read is as good as sent. Nothing is known of the blocks before, so a device's
// progress grows by steps, whenever a block passes the end of one.
class Downloads::FileBody final : public network::CoapBody {
 public:
  FileBody(std::shared_ptr<const network::OpenFile> file, std::string etag, std::shared_ptr<Gate> gate,
           Upgrades& upgrades, Token token)
      : file_(std::move(file)),
        etag_(std::move(etag)),
        gate_(std::move(gate)),
        upgrades_(upgrades),
        token_(std::move(token)) {}
  [[nodiscard]] std::uint64_t size() const override { return file_->size(); }
  [[nodiscard]] std::string_view etag() const override { return etag_; }
  [[nodiscard]] Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const override {
    JL_TRY(const std::size_t count, file_->read_at(offset, into));
    gate_->bytes.fetch_add(count, std::memory_order_relaxed);
    const std::uint64_t step = std::max<std::uint64_t>(kLeastStep, size() / 20), end = offset + count;
    if (end == size()) {
      upgrades_.served(token_, end - offset / step * step);
    } else if (end / step != offset / step) {
      upgrades_.served(token_, step);
    }
    return count;
  }

 private:
  static constexpr std::uint64_t kLeastStep = 8192;
  const std::shared_ptr<const network::OpenFile> file_;
  const std::string etag_;
  const std::shared_ptr<Gate> gate_;
  Upgrades& upgrades_;
  const Token token_;
};

network::CoapResponse Downloads::answer(std::string_view network_id, const network::CoapRequest& request) {
  const auto say = [](int code, std::string text) {
    network::CoapResponse out;
    out.code = code;
    out.payload = std::move(text);
    out.content_format = 0;  // a diagnostic (RFC 7252 §5.5.2)
    return out;
  };
  constexpr int kGet = 1;
  if (request.method != kGet) return say(405, "firmware is fetched with GET");
  auto judged = depot_.judge(network_id, request.path, request.query, clock_.now());
  if (const auto* denial = std::get_if<Denial>(&judged)) return say(denial->status, std::string(denial->reason));
  Grant& grant = std::get<Grant>(judged);
  const auto gate = gate_of(grant.server_id);
  if (!request.block2 || request.block2->number == 0) gate->requests.fetch_add(1, std::memory_order_relaxed);
  auto opened = open(grant, *gate);
  if (const auto* no = std::get_if<Refusal>(&opened)) return say(no->status, no->message);
  if (!request.block2 || request.block2->number == 0) upgrades_.served(grant.token, 0);
  network::CoapResponse out;
  out.code = 205;
  // Eight bytes tell two images apart (RFC 7252 §5.10.6.1).
  out.body = std::make_shared<FileBody>(std::get<std::shared_ptr<const network::OpenFile>>(std::move(opened)),
                                        from_hex(grant.file_id.substr(0, 16)).value_or(std::string()), gate, upgrades_,
                                        std::move(grant.token));
  return out;
}

}  // namespace jl::ota

// Firmware on its way from another server into the daemon.
#include "common/control/uploads.hpp"
#include "daemon/control/calls/call_body.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/control/keep_file.hpp"
#include "daemon/network/http_fetch.hpp"

namespace jl::control {
namespace json = boost::json;

namespace {

constexpr Millis kBetweenLines = 250;

struct Wanted {
  network::FetchOptions options;
  std::optional<Sign> sign;
  std::uint64_t size = 0;  // 0 = any
};

Result<Wanted> read_wanted(const json::object& given) {
  constexpr std::uint64_t kMost = find_upload_purpose("firmware")->max_size;
  CallBody body(given);
  Wanted out;
  JL_TRY(out.options.url, body.text("url"));
  JL_TRY(const std::string method, body.text("signMethod"));
  JL_TRY(const std::string sign, body.text("sign"));
  JL_TRY(const std::int64_t size, body.number("size", 0));
  JL_CHECK(body.finish());
  JL_CHECK(network::check_url(out.options.url));
  JL_TRY(out.sign, read_sign(method, sign));
  out.options.max_size = kMost;
  if (size < 0 || static_cast<std::uint64_t>(size) > kMost)
    return Error(Errc::invalid, fmt::format("size: must be 0 to {} bytes", kMost), {}, "size");
  out.size = static_cast<std::uint64_t>(size);
  return out;
}

Error wrong_size(std::uint64_t actual, std::uint64_t given, bool is_all) {
  Error out(Errc::invalid,
            fmt::format("the file has {}{} bytes, not {} as given", is_all ? "" : "more than ", actual, given),
            "nothing was stored", "size");
  if (is_all) out.members = {{"expected", std::to_string(given)}, {"actual", std::to_string(actual)}};
  return out;
}

// One download: its bytes go to the disk, how far it is to the caller.
class Download {
 public:
  Download(const Wanted& wanted, store::FileStore::Incoming& incoming, Responder& reply, const Clock& clock)
      : wanted_(wanted), incoming_(incoming), reply_(reply), clock_(clock), last_line_(clock.steady()) {
    reply_.on_gone([gone = is_gone_] { *gone = true; });
  }

  Result<store::StoredFile> run() {
    const auto sink = [this](std::string_view piece, const network::FetchProgress& now) { return take(piece, now); };
    JL_TRY(const network::FetchReport report, network::fetch(wanted_.options, sink));
    if (report.size == 0) return Error(Errc::job_failed, "the file at \"" + report.url + "\" is empty");
    if (wanted_.size > 0 && report.size != wanted_.size) return wrong_size(report.size, wanted_.size, true);
    return keep_file(incoming_, wanted_.sign);
  }

  void line(const json::object& what) {
    if (!is_streaming_) reply_.start_stream();
    is_streaming_ = true;
    reply_.line(json::serialize(what));
  }

 private:
  Status take(std::string_view piece, const network::FetchProgress& now) {
    if (*is_gone_) return Error(Errc::network, "the caller went away");
    if (wanted_.size > 0 && now.total && *now.total != wanted_.size) return wrong_size(*now.total, wanted_.size, true);
    if (wanted_.size > 0 && now.received > wanted_.size) return wrong_size(wanted_.size, wanted_.size, false);
    JL_CHECK(incoming_.write(piece));
    // Not before it has taken a while: what fails at once is answered with a status of its own.
    if (clock_.steady() - last_line_ < kBetweenLines) return {};
    last_line_ = clock_.steady();
    json::object progress{{"received", now.received}};
    if (now.total) progress["total"] = *now.total;
    line(progress);
    return {};
  }

  const Wanted& wanted_;
  store::FileStore::Incoming& incoming_;
  Responder& reply_;
  const Clock& clock_;
  Millis last_line_;
  bool is_streaming_ = false;
  const std::shared_ptr<std::atomic<bool>> is_gone_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

void Calls::file_fetch(const Call& call, const Reply& reply) {
  auto wanted = read_wanted(call.body);
  if (!wanted) return reply->problem(wanted.error());
  wanted->options.cancelled = &stopping_;
  auto incoming = r_.files.begin(wanted->options.max_size, true);
  if (!incoming) return reply->problem(incoming.error());
  Download download(*wanted, **incoming, *reply, r_.clock);
  const auto stored = download.run();
  incoming->reset();                                   // whoever hears that nothing was kept finds nothing
  if (!stored) return reply->problem(stored.error());  // ends the stream where one was begun
  CallNotes notes;
  notes.object = "file/" + stored->id;
  reply->notes(std::move(notes));
  json::object last = file_answer(*stored, true);
  last["existed"] = stored->existed;
  download.line(last);
  reply->end_stream();
}

}  // namespace jl::control

#pragma once
// Serves firmware to whoever has an address for it (operations.md 1.1 "File storage and serving"): within the limits of
// the server that the component belongs to, and noting what each device was sent. Any thread.
#include "daemon/base/clock.hpp"
#include "daemon/network/coap_server.hpp"
#include "daemon/network/http_server.hpp"
#include "daemon/ota/depot.hpp"
#include "daemon/ota/upgrades.hpp"
#include "daemon/store/file_store.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace jl::ota {

class Downloads {
 public:
  Downloads(const Depot& depot, Upgrades& upgrades, const store::FileStore& files, const Clock& clock)
      : depot_(depot), upgrades_(upgrades), files_(files), clock_(clock) {}
  Downloads(const Downloads&) = delete;

  /// Whether a path is one of a download; other paths are the devices'.
  [[nodiscard]] static bool is_download(std::string_view path) { return path.starts_with(kDownloadPath); }
  /// What a request for such a path is answered. Opens the file, which waits for the disk's directory at most.
  [[nodiscard]] network::HttpResponse answer(std::string_view network_id, const network::HttpRequest& request);

  /// The same of a CoAP request, whose blocks come one request each: RFC 7959. A device may begin anew anywhere; the
  /// limits of bytes per second are HTTP's alone, CoAP's pace is that of its round trips.
  [[nodiscard]] network::CoapResponse answer(std::string_view network_id, const network::CoapRequest& request);

  struct Counters {
    std::uint64_t running = 0, requests = 0, refused = 0, turned_away = 0, bytes = 0;
  };
  /// Of one server, since the start.
  [[nodiscard]] Counters counters(std::string_view server_id) const;
  /// Of every server that was asked for something.
  [[nodiscard]] std::map<std::string, Counters> all_counters() const;

 private:
  /// What the downloads of one server share.
  struct Gate {
    std::atomic<std::uint64_t> running{0}, requests{0}, refused{0}, turned_away{0}, bytes{0};
    std::mutex mutex;  // of the budget
    std::shared_ptr<network::ByteBudget> budget;
    std::int64_t budget_rate = 0;
  };
  class Lease;
  class FileBody;
  /// A grant whose record stands and whose file is there, or what is to be said instead.
  struct Refusal {
    int status = 403;
    std::string_view code{};
    std::string message{};
  };
  [[nodiscard]] std::variant<std::shared_ptr<const network::OpenFile>, Refusal> open(const Grant& grant, Gate& gate);
  [[nodiscard]] static Counters read(const Gate& gate);
  [[nodiscard]] std::shared_ptr<Gate> gate_of(const std::string& server_id);
  [[nodiscard]] std::shared_ptr<network::ByteBudget> budget_of(Gate& gate, std::int64_t rate) const;

  const Depot& depot_;
  Upgrades& upgrades_;
  const store::FileStore& files_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Gate>, std::less<>> gates_;
};

}  // namespace jl::ota

#pragma once
// What firmware there is and where devices get it: builds what they are told, and judges who asks for a file.
// Changes come on the mutation thread; the rest from any thread.
#include "common/base/result.hpp"
#include "daemon/base/published.hpp"
#include "daemon/ota/plan.hpp"
#include "daemon/ota/token.hpp"

#include <boost/json.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace jl::ota {

/// Where download addresses begin.
inline constexpr std::string_view kDownloadPath = "/ota/v1/";

/// A file that somebody may fetch.
struct Grant {
  std::string firmware_id, file_id, file_name;
  std::uint64_t size = 0;
  std::string server_id;
  std::shared_ptr<const model::OtaServer> server;
  Token token;
};

/// Why not.
struct Denial {
  int status = 403;  ///< of HTTP
  std::string_view reason{};
};

class Depot {
 public:
  explicit Depot(std::string key) : mint_(std::move(key)) {}

  void set_firmware(const std::string& id, std::optional<model::OtaFirmware> firmware);
  void set_server(const std::string& id, std::optional<model::OtaServer> server, bool enabled);

  [[nodiscard]] std::shared_ptr<const model::OtaFirmware> firmware(std::string_view id) const;
  /// The first firmware whose image is here; "" when there is none.
  [[nodiscard]] std::string any_served() const;
  /// The server that a task uses: the one that it names, or the only one that is enabled. Errors: not_found, disabled,
  /// conflict (several, none named).
  [[nodiscard]] Result<std::string> server_for(const std::string& named) const;
  /// Whether the server of a task can be told to devices at all: its firmware has a URL of its own, or a server serves
  /// it. Errors: those of server_for, not_found.
  [[nodiscard]] Status can_tell(std::string_view firmware_id, const std::string& server_id) const;

  /// Own members of UPGRADE_FIRMWARE and REQUEST_FIRMWARE_REPLY (wire.md 6): url, version, parameters, sign,
  /// signMethod, firmwareId, size. The url works until `expires` plus the server's grace. Errors: those of can_tell.
  [[nodiscard]] Result<boost::json::object> message(const Plan& plan, std::string_view device_id, Millis expires,
                                                    bool coap = false) const;
  /// An address that nobody's record stands behind. Errors: those of can_tell; unsupported without a file here.
  [[nodiscard]] Result<std::string> check_url(std::string_view firmware_id, const std::string& server_id,
                                              Millis expires, bool coap = false) const;
  /// Judges a request that came in on a component. `path` is that of the request, decoded; `query` as sent.
  [[nodiscard]] std::variant<Grant, Denial> judge(std::string_view network_id, std::string_view path,
                                                  std::string_view query, Millis now) const;

 private:
  struct Server {
    std::shared_ptr<const model::OtaServer> spec;
    bool enabled = false;
  };
  struct Shelf {
    std::map<std::string, std::shared_ptr<const model::OtaFirmware>, std::less<>> firmware;
    std::map<std::string, Server, std::less<>> servers;
  };
  [[nodiscard]] static Status can_tell(const Shelf& shelf, std::string_view firmware_id, const std::string& server_id);
  [[nodiscard]] static Result<std::string> pick(const Shelf& shelf, const std::string& named);
  [[nodiscard]] std::string url(const model::OtaServer& server, std::string_view firmware_id,
                                const model::OtaFirmware& firmware, const Token& token, bool coap) const;

  const TokenMint mint_;
  Published<Shelf> shelf_;
};

/// The last part of a download address: a file's name with what URLs do not hold replaced.
[[nodiscard]] std::string url_name(std::string_view file_name);

}  // namespace jl::ota

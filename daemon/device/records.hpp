#pragma once
// What is kept about devices besides their resource: session state, latest values and tags (Family::devices) and the
// message history (Family::messages). Keys and values in one place; the hot path writes them, the API reads them.
#include "common/base/time.hpp"
#include "daemon/store/store.hpp"

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace jl::device {

/// Property or tag names kept per device; retention drops the oldest beyond it.
inline constexpr std::size_t kMaxValues = 2000;

/// The end of a device's last session, or the start of the one that lives.
struct SessionState {
  bool online = false;  ///< as written; whether it still is, only the live sessions know
  Millis since = 0;
  std::string address;
  std::string gateway_id;
  std::string parent_id;
};

/// product NUL device NUL "s"
void state_key(std::string& out, std::string_view product, std::string_view device);
/// product NUL device NUL "p" (or "t" for tags) NUL name
void value_key(std::string& out, std::string_view product, std::string_view device, char what, std::string_view name);
/// 8 bytes of time, then the JSON text.
void value_record(std::string& out, Millis time, std::string_view json);
/// product NUL device NUL "f"
void firmware_key(std::string& out, std::string_view product, std::string_view device);
/// device NUL u64(received) u64(sequence)
void message_key(std::string& out, std::string_view device, Millis received, std::uint64_t sequence);

[[nodiscard]] std::string to_record(const SessionState& state);

[[nodiscard]] Result<std::optional<SessionState>> read_state(const store::Store& store, std::string_view product,
                                                             std::string_view device);
/// {"temp":{"value":..,"time":RFC3339}} of properties ('p') or tags ('t').
[[nodiscard]] Result<boost::json::object> read_values(const store::Store& store, std::string_view product,
                                                      std::string_view device, char what);

/// What a device last said of its firmware.
struct FirmwareInfo {
  std::string version;
  boost::json::object properties;
  Millis updated = 0;
};
[[nodiscard]] std::string to_record(const FirmwareInfo& info);
/// Errors: storage. What cannot be read is as if it were not there.
[[nodiscard]] Result<std::optional<FirmwareInfo>> read_firmware(const store::Store& store, std::string_view product,
                                                                std::string_view device);

struct MessageQuery {
  Millis since = 0, until = 0;  ///< [since, until); 0 = open
  std::string type;             ///< "REPORT_PROPERTY"; "" = all
  std::size_t limit = 100;
};
/// Stored messages, newest first, as the API shows them.
[[nodiscard]] Result<boost::json::array> read_messages(const store::Store& store, std::string_view product,
                                                       std::string_view device, const MessageQuery& query);
/// {"time","productId","deviceId","type","message"}.
[[nodiscard]] boost::json::object message_document(Millis received, std::string_view product, std::string_view device,
                                                   std::string_view canonical);
/// Parses JSON that was checked when it came in, however deep that let it be; null when it is damaged.
[[nodiscard]] boost::json::value parse_stored(std::string_view text);
/// Everything kept about a device, for its deletion.
void erase_records(store::Transaction& transaction, std::string_view product, std::string_view device);

}  // namespace jl::device

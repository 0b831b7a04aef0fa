#pragma once
// Remote upgrade (远程升级): firmware images (固件), the tasks that bring them to devices (升级任务), and the servers
// that devices download them from (operations.md 1).
#include "common/base/result.hpp"
#include "common/model/describe.hpp"

#include <cstdint>
#include <optional>

namespace jl::model {

enum class SignMethod : std::uint8_t { md5, sha256 };
template <>
struct EnumWords<SignMethod> {
  static const std::vector<Word>& words();
};

enum class UpgradeMode : std::uint8_t {
  push,  ///< jlinkd tells the device (平台推送)
  pull,  ///< the device asks (设备拉取)
};
template <>
struct EnumWords<UpgradeMode> {
  static const std::vector<Word>& words();
};

enum class ReleaseType : std::uint8_t { all, part };
template <>
struct EnumWords<ReleaseType> {
  static const std::vector<Word>& words();
};

/// Where devices download firmware.
struct OtaServer {
  Reference network_id, coap_network_id;
  std::string public_url, coap_url;
  int max_downloads = 200;
  std::int64_t max_rate = 0, total_rate = 0;  ///< bytes per second; 0 = as fast as it goes
  int retry_after = 10;                       ///< seconds
  int token_grace = 3600;                     ///< seconds after a device's deadline
};

/// One more thing that devices are told with a firmware.
struct FirmwareProperty {
  std::string id, name, value;
};

/// One image for the devices of one product.
struct OtaFirmware {
  static constexpr int kMaxOrder = 99'999;
  Reference product_id;
  std::string version;
  int version_order = 0;
  SignMethod sign_method = SignMethod::sha256;
  std::string sign;  ///< lower-case hex
  std::string file_id, file_name;
  std::string url;  ///< external; "" = an ota server's
  std::int64_t size = 0;
  std::vector<FirmwareProperty> properties;
  std::string signature;  ///< Ed25519, base64
  Reference signature_cert_id;
};

/// One rollout of a firmware. Nothing of it changes after it was made.
struct OtaTask {
  static constexpr std::size_t kMaxDevices = 100'000;
  Reference firmware_id;
  UpgradeMode mode = UpgradeMode::push;
  std::optional<int> response_timeout_seconds;  ///< push only
  int timeout_seconds = 3600;
  std::optional<ReleaseType> release_type;
  std::vector<std::string> device_id;
  std::vector<std::string> where;
  Reference server_id;
  int max_in_flight = 50;
  std::optional<int> rate;          ///< devices told per minute
  std::vector<std::string> groups;  ///< "1%", "10%", "100%": of all devices, growing
  int group_success = 90;           ///< percent of the open groups' devices
  std::string error_threshold;      ///< "10%" of the open groups' devices, or "5" of them
  std::string window;               ///< "22:00-04:00", local time
  int auto_retry = 0;
  int retry_backoff_seconds = 60;
  bool late_joiners = false;
  bool force = false;
  bool replace = false;

  /// The groups as percentages; {100} when none are given.
  [[nodiscard]] std::vector<int> group_percents() const;
};

/// How many failures stop a rollout.
struct ErrorThreshold {
  int value = 0;
  bool percent = false;
};
/// "10%" or "5"; nothing when it is neither.
[[nodiscard]] std::optional<ErrorThreshold> parse_error_threshold(std::string_view text);

/// A time of day, every day; one that ends before it begins goes over midnight.
struct DailyWindow {
  int from = 0, to = 0;  ///< minutes since midnight
  [[nodiscard]] bool contains(int minute) const {
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  }
};
/// "22:00-04:00"; nothing when it is not that, or empty in itself.
[[nodiscard]] std::optional<DailyWindow> parse_window(std::string_view text);

/// One condition of `where`: a field of a device against a value.
struct DeviceCondition {
  enum class Op : std::uint8_t { equal, not_equal, matches };
  std::string field;  ///< "id", "name", "description", "parentId", "state", "firmware", "tag.site"
  Op op{};
  std::string value;  ///< matches: a glob
};
/// "tag.site=north", "firmware!=1.2.0", "name~pump-*". Errors: invalid, with the fields there are.
[[nodiscard]] Result<DeviceCondition> parse_condition(std::string_view text);

/// An http(s) or, of `coap_url`, coap(s) URL with a host and without a query.
void settle_ota_server(json::object& spec, const std::string& path, std::vector<Problem>& problems);
/// What belongs together: file or url with size; digits of the sign; signature and its cert.
void settle_ota_firmware(json::object& spec, const std::string& path, std::vector<Problem>& problems);
/// What mode, targets and groups allow; fills in releaseType and the response timeout.
void settle_ota_task(json::object& spec, const std::string& path, std::vector<Problem>& problems);

template <class V>
void describe(V& v, OtaServer& s) {
  v.field("networkId", s.network_id)
      .required()
      .refers_to("network")
      .flag("network")
      .help("HTTP_SERVER component that serves downloads (网络组件)")
      .example("ota-http");
  v.field("publicUrl", s.public_url)
      .required()
      .max_length(255)
      .help("what devices reach that component by; the way to a file is appended")
      .example("http://gw.example:8848");
  v.field("coapNetworkId", s.coap_network_id)
      .refers_to("network")
      .flag("coap-network")
      .help("COAP_SERVER component that serves them block by block as well");
  v.field("coapUrl", s.coap_url).max_length(255).help("what devices reach that one by").example("coap://gw.example");
  v.field("maxDownloads", s.max_downloads)
      .range(1, 100'000)
      .help("at once; more are told to come back (503, Retry-After)");
  v.field("maxRate", s.max_rate).range(0, 1'000'000'000'000).help("bytes per second of one download; 0 = no limit");
  v.field("totalRate", s.total_rate).range(0, 1'000'000'000'000).help("bytes per second of all; 0 = no limit");
  v.field("retryAfter", s.retry_after).range(1, 86'400).help("seconds after which those come back");
  v.field("tokenGrace", s.token_grace)
      .range(0, 2'592'000)
      .help("seconds that an address of a file works beyond its device's time limit");
  v.settle(settle_ota_server);
}

template <class V>
void describe(V& v, FirmwareProperty& s) {
  v.field("id", s.id).required().max_length(64).help("key of `parameters` in the message to devices");
  v.field("name", s.name).no_default().max_length(64).help("for people");
  v.field("value", s.value).required().max_length(1024).help("its value");
}

template <class V>
void describe(V& v, OtaFirmware& s) {
  v.field("productId", s.product_id)
      .required()
      .immutable()
      .refers_to("product")
      .flag("product")
      .help("product whose devices it is for (所属产品)")
      .example("th-sensor");
  v.field("version", s.version).required().max_length(64).help("what devices call it (版本号)").example("1.2.0");
  v.field("versionOrder", s.version_order)
      .required()
      .range(1, OtaFirmware::kMaxOrder)
      .flag("order")
      .help("place among the product's versions (版本序号)")
      .example("12");
  v.field("signMethod", s.sign_method).help("how the sign is made (签名方式)").example("sha256");
  v.field("sign", s.sign)
      .required()
      .max_length(64)
      .help("hex digest of the image, or auto: take that of what was uploaded, which then proves nothing (签名)")
      .example("auto");
  v.field("fileId", s.file_id)
      .no_default()
      .uploaded("firmware", "fileName")
      .flag("image")
      .help("the image, kept as an uploaded file (固件上传)")
      .example("{fromFile: fw-1.2.0.bin}");
  v.field("fileName", s.file_name)
      .no_default()
      .max_length(128)
      .help("end of its address; the uploaded file's own name unless another is given");
  v.field("url", s.url)
      .no_default()
      .max_length(1024)
      .help("http(s) address of another server that devices are sent to; needs size");
  v.field("size", s.size)
      .range(0, std::int64_t{1} << 40)
      .help("bytes (固件大小); of an uploaded image that of the file");
  v.field("properties", s.properties).max_length(64).help("more that devices are told (其他配置)");
  v.field("signature", s.signature)
      .no_default()
      .max_length(128)
      .base64()
      .from_file()
      .help("detached Ed25519 signature of the image");
  v.field("signatureCertId", s.signature_cert_id)
      .refers_to("cert")
      .flag("signature-cert")
      .help("cert whose key made that signature");
  v.settle(settle_ota_firmware);
  v.drop("productName");
}

template <class V>
void describe(V& v, OtaTask& s) {
  v.field("firmwareId", s.firmware_id)
      .required()
      .immutable()
      .refers_to("ota-firmware")
      .flag("firmware")
      .help("what is rolled out (固件)")
      .example("fw-1.2.0");
  v.field("mode", s.mode).immutable().help("who begins (升级方式)").example("push");
  v.field("responseTimeoutSeconds", s.response_timeout_seconds)
      .immutable()
      .range(1, 99'999)
      .flag("response-timeout")
      .help("push: wait for the device's first sign, 60 unless given (响应超时时间)");
  v.field("timeoutSeconds", s.timeout_seconds)
      .immutable()
      .range(1, 99'999)
      .flag("upgrade-timeout")
      .help("wait for the end of its upgrade (升级超时时间)");
  v.field("releaseType", s.release_type)
      .immutable()
      .help("all devices of the product, or part; as the rest says (发布方式)");
  v.field("deviceId", s.device_id)
      .immutable()
      .max_length(OtaTask::kMaxDevices)
      .flag("device")
      .help("only these devices (选择设备)")
      .example("[dev-1, dev-2]");
  v.field("where", s.where)
      .immutable()
      .max_length(16)
      .help("only devices of which all of these hold: FIELD=VALUE, FIELD!=VALUE, FIELD~GLOB")
      .example("[\"tag.site=north\"]");
  v.field("serverId", s.server_id)
      .immutable()
      .refers_to("ota-server")
      .flag("server")
      .help("which one devices download from; the only one unless given");
  v.field("maxInFlight", s.max_in_flight).immutable().range(1, 100'000).help("devices being upgraded at once");
  v.field("rate", s.rate).immutable().range(1, 1'000'000).help("devices told per minute, at most");
  v.field("groups", s.groups)
      .immutable()
      .max_length(20)
      .help("percentages of all devices, growing: the next part begins when the ones before went well")
      .example("[1%, 10%, 100%]");
  v.field("groupSuccess", s.group_success)
      .immutable()
      .range(1, 100)
      .help("percent of a group's devices that must be upgraded before the next one begins");
  v.field("errorThreshold", s.error_threshold)
      .no_default()
      .immutable()
      .help("failed devices that stop the task: 5, or 10% of those whose group has begun")
      .example("10%");
  v.field("window", s.window)
      .no_default()
      .immutable()
      .help("time of day in which upgrades begin, local time of the daemon")
      .example("22:00-04:00");
  v.field("autoRetry", s.auto_retry)
      .immutable()
      .range(0, 100)
      .help("times that a failed device is tried again by itself");
  v.field("retryBackoffSeconds", s.retry_backoff_seconds)
      .immutable()
      .range(1, 99'999)
      .flag("retry-backoff")
      .help("pause before the first of those; it doubles each time, up to a day");
  v.field("lateJoiners", s.late_joiners)
      .immutable()
      .help("devices that come to the product later, or meet `where` later, join");
  v.field("force", s.force).immutable().flag("force-version").help("devices that have the version already, too");
  v.field("replace", s.replace).immutable().help("take devices over that wait for the same firmware in another task");
  v.settle(settle_ota_task);
  v.drop("productId");
  v.drop("productName");
  v.drop("firmwareName");
}

}  // namespace jl::model

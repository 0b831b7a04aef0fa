#pragma once
// What a package's function may ask for while it runs, and what it leaves behind.
#include "daemon/codec/package/package_protocol.hpp"

namespace jl::codec::package {

/// What scripts keep between the calls of one session: ctx.session.state, as JSON text.
class SessionState final : public CodecState {
 public:
  std::string json;
};

/// One call. Views and references must outlive it.
class HostCall final : public script::Host {
 public:
  /// `device` null = nobody is known yet; `state` null = there is no session.
  HostCall(std::string_view protocol, const Package& package, Transport transport, const DeviceIdentity* device,
           std::string* state, const DeviceBook* devices, Millis now)
      : protocol_(protocol),
        row_(package.descriptor->find(transport)),
        transport_(transport),
        device_(device),
        state_(state),
        devices_(devices),
        now_(now) {}

  Status send(const script::Wire& wire) override;
  Status respond(const script::Wire& wire) override;
  Status emit(std::string_view json) override;
  Status reply(std::string_view json) override { return emit(json); }
  void close() override { closes = true; }
  std::optional<Device> device(std::string_view id) override;
  std::optional<std::string> config(std::string_view id, std::string_view key) override;
  std::string* state() override { return state_; }
  std::string_view peer() override { return address; }
  void log(int level, std::string_view text) override;
  Millis now() override { return now_; }

  std::string_view address{};  ///< of the peer
  std::vector<Downlink> sends;
  std::vector<std::string> messages;  ///< JSON text of each
  bool closes = false;
  bool responds = false;
  int status = 0;
  std::string body;
  int content_format = 50;
  std::string content_type;

 private:
  [[nodiscard]] const DeviceIdentity* find(std::string_view id);

  std::string_view protocol_;
  const TransportDescriptor* row_;  // null: not spoken
  Transport transport_;
  const DeviceIdentity* device_;
  std::string* state_;
  const DeviceBook* devices_;
  Millis now_;
  std::optional<DeviceIdentity> found_;  // the one looked up last
};

/// Moves what the call said to the peer into `answer`.
void take_answer(HostCall& call, Answer& answer);
/// Collects what console.* says of the calls of this thread, instead of logging it; for trying packages out.
class LogCapture {
 public:
  explicit LogCapture(std::vector<std::string>& lines);
  ~LogCapture();
  /// Whether this thread is trying a package out.
  [[nodiscard]] static bool is_on();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
};

}  // namespace jl::codec::package

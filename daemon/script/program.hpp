#pragma once
// Programs: ES2022 modules of users (protocol packages, access.md 4.2) on SpiderMonkey, one engine per thread. A
// program reaches nothing but the bytes and objects of its call and what a Host offers it; its time, memory and output
// are bounded. What scripts see is described in examples/protocols/README.md.
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jl::script {

struct ProgramSource {
  std::string name;                            ///< in front of errors: "meter" in "meter/main.js:12:5: ..."
  std::vector<std::string> entries;            ///< modules whose exports are called: "main.js"
  std::map<std::string, std::string> modules;  ///< path in the package -> text; "./lib/x.js" imports find them here
};

struct ProgramLimits {
  std::chrono::milliseconds load{500};          ///< for compiling and running all modules once, on each thread
  std::chrono::milliseconds call{100};          ///< for one call
  std::size_t heap = std::size_t{64} << 20u;    ///< bytes per thread, all programs together
  std::size_t stack = std::size_t{256} << 10u;  ///< bytes of native stack
  std::size_t output = std::size_t{1} << 20u;   ///< bytes of JSON and payloads that one call may hand out
  std::size_t state = std::size_t{16} << 10u;   ///< bytes of a session's state as JSON
};

/// Bytes on their way to a device.
struct Wire {
  std::string_view payload;
  std::string_view topic{};         ///< MQTT
  int qos = -1;                     ///< MQTT; -1 = not said
  bool text = false;                ///< it was a string: WebSocket text frame
  int status = 0;                   ///< HTTP status, CoAP code as class * 100 + detail; 0 = the transport's usual
  int content_format = -1;          ///< CoAP; -1 = not said
  std::string_view content_type{};  ///< HTTP; "" = JSON
};

/// What a program may ask for while a call runs; on the call's thread. Errors become exceptions in the script.
class Host {
 public:
  struct Device {
    std::string id, product_id;
  };
  virtual ~Host() = default;
  /// ctx.send(), and what encode() and onConnect() return.
  virtual Status send(const Wire& wire) = 0;
  /// ctx.respond(): the answer to an HTTP or CoAP request.
  virtual Status respond(const Wire& wire) = 0;
  /// ctx.handleMessage(message): a device message besides those that decode() returns, as JSON text.
  virtual Status emit(std::string_view json) = 0;
  /// ctx.reply(message) of encode(): answers the command without asking the device.
  virtual Status reply(std::string_view json) = 0;
  /// ctx.close(), ctx.disconnect(): the connection ends once all is sent.
  virtual void close() = 0;
  /// The session's device when `id` is empty, else any; nothing when there is none.
  virtual std::optional<Device> device(std::string_view id) = 0;
  /// A configuration value of a device (`id` as above), its own or its product's.
  virtual std::optional<std::string> config(std::string_view id, std::string_view key) = 0;
  /// What ctx.session.state holds between the calls of one session, as JSON text, "" at first; null without a session.
  virtual std::string* state() = 0;
  /// Where the peer is: "192.0.2.7:50312"; "" when nobody is there.
  virtual std::string_view peer() = 0;
  /// console.*: 0 debug, 1 info, 2 warn, 3 error. At most 512 bytes of printable UTF-8.
  virtual void log(int level, std::string_view text) = 0;
  virtual Millis now() = 0;
};

/// One call.
struct Invocation {
  std::string_view entry;      ///< module, one of ProgramSource::entries
  std::string_view function;   ///< its export
  std::string_view transport;  ///< ctx.transport
  /// Members of the message (decode) or request (authenticate). An empty text is left out.
  struct Text {
    const char* name;
    std::string_view value;
  };
  struct Number {
    const char* name;
    double value;
  };
  std::span<const Text> texts{};
  std::span<const Number> numbers{};
  std::optional<std::string_view> payload{};  ///< message.payload, a Uint8Array
  std::string_view json{};                    ///< the message as JSON text, in place of all that
  bool is_request = false;                    ///< called as f(request, device, ctx) (authenticate), not f(ctx)
  bool sends_result =
      false;  ///< what it returns goes to Host::send: bytes, text, {topic, payload, qos}, a list of them
};

/// Counts since the program was loaded, over all threads.
struct ProgramCounters {
  std::uint64_t calls = 0, errors = 0, overruns = 0;
};

class Program {
 public:
  virtual ~Program() = default;

  /// Compiles all modules and runs them once on the calling thread, so that errors come now. Other threads do it at
  /// their first call. Errors: invalid ("NAME/main.js:LINE:COLUMN: what happened"; an import that leads nowhere, an
  /// entry that is missing, top-level await), timeout, too_large.
  [[nodiscard]] static Result<std::shared_ptr<const Program>> load(ProgramSource source, const ProgramLimits& limits);

  /// Whether the entry module exports a function of this name.
  [[nodiscard]] virtual bool exports(std::string_view entry, std::string_view function) const = 0;

  /// Calls a function. `json` becomes what it returned as JSON text; "" for undefined, null, or when it was sent.
  /// Errors: invalid (it threw, or returned a Promise: "NAME/main.js:12:5: RangeError: ... (in parse, main.js:12:5; in
  /// decode, main.js:3:10)"), timeout, too_large (memory or output). After one that overran its time the program rests
  /// on this thread for ten times what it took (Errc::busy), so that it costs others at most a tenth of the thread.
  [[nodiscard]] virtual Status call(const Invocation& what, Host& host, std::string& json) const = 0;

  [[nodiscard]] virtual ProgramCounters counters() const = 0;
};

}  // namespace jl::script

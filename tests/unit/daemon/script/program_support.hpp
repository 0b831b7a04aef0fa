#pragma once
// What the tests of programs share: a host that records, and calls of one function.
#include "daemon/script/program.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>

namespace jl::script::testing {

/// Writes down what a program asks for.
class RecordingHost final : public Host {
 public:
  std::vector<std::string> sent;  ///< "payload|topic|qos|text|status|contentFormat|contentType"
  std::vector<std::string> emitted, replied, logged;
  std::string kept_state;
  bool has_session = true;
  bool has_device = true;
  int closed = 0;
  Status answer{};                                         ///< of send() and the like
  std::function<Status(std::string_view)> when_emitted{};  ///< called for each message

  Status send(const Wire& wire) override {
    sent.push_back(show(wire));
    return answer;
  }
  Status respond(const Wire& wire) override {
    sent.push_back("respond " + show(wire));
    return answer;
  }
  Status emit(std::string_view json) override {
    emitted.emplace_back(json);
    return when_emitted ? when_emitted(json) : answer;
  }
  Status reply(std::string_view json) override {
    replied.emplace_back(json);
    return answer;
  }
  void close() override { ++closed; }
  std::optional<Device> device(std::string_view id) override {
    if (id.empty() && has_device) return Device{"dev-1", "meter"};
    if (id == "dev-2") return Device{"dev-2", "valve"};
    return std::nullopt;
  }
  std::optional<std::string> config(std::string_view id, std::string_view key) override {
    if (key == "secure_key") return fmt::format("key of {}", id.empty() ? "dev-1" : id);
    return std::nullopt;
  }
  std::string* state() override { return has_session ? &kept_state : nullptr; }
  std::string_view peer() override { return "192.0.2.7:50312"; }
  void log(int level, std::string_view text) override { logged.push_back(fmt::format("{} {}", level, text)); }
  Millis now() override { return 1700000000123; }

 private:
  static std::string show(const Wire& wire) {
    std::string payload;
    for (const char c : wire.payload) {
      const auto byte = static_cast<unsigned char>(c);
      payload += byte >= 0x20 && byte < 0x7F ? std::string(1, c) : fmt::format("\\{:02x}", byte);
    }
    return fmt::format("{}|{}|{}|{}|{}|{}|{}", payload, wire.topic, wire.qos, wire.text ? "text" : "binary",
                       wire.status, wire.content_format, wire.content_type);
  }
};

using Loaded = std::shared_ptr<const Program>;

inline ProgramSource source_of(std::string main, std::map<std::string, std::string> more = {}) {
  more.emplace("main.js", std::move(main));
  return {"meter", {"main.js"}, std::move(more)};
}
/// A program that must load.
inline Loaded load(std::string main, const ProgramLimits& limits = {}, std::map<std::string, std::string> more = {}) {
  auto program = Program::load(source_of(std::move(main), std::move(more)), limits);
  if (!program) FAIL(program.error().message);
  return std::move(program.value());
}
inline Error load_error(std::string main, std::map<std::string, std::string> more = {},
                        const ProgramLimits& limits = {}) {
  auto program = Program::load(source_of(std::move(main), std::move(more)), limits);
  return program ? Error{Errc::failed, "it loaded"} : program.error();
}

/// The call of decode() with these bytes.
inline Invocation decoding(std::string_view payload = {}) {
  Invocation what;
  what.entry = "main.js";
  what.function = "decode";
  what.transport = "TCP";
  what.payload = payload;
  return what;
}

/// What decode() came to: JSON, "" for nothing, or the text of the error.
inline std::string decode(const Loaded& program, Host& host, std::string_view payload = {}) {
  std::string json;
  const Status status = program->call(decoding(payload), host, json);
  return status ? json : status.error().message;
}
inline Error call_error(const Loaded& program, std::string_view payload = {}) {
  RecordingHost host;
  std::string json;
  const Status status = program->call(decoding(payload), host, json);
  return status ? Error{Errc::failed, "it returned " + json} : status.error();
}

/// The JSON of an expression within decode(ctx), `m` being ctx.message of these bytes; "error: TEXT" when it throws.
inline std::string value_of(const std::string& expression, std::string_view payload = {},
                            const ProgramLimits& limits = {.load = std::chrono::seconds(5),
                                                           .call = std::chrono::seconds(5)}) {
  auto program =
      Program::load(source_of("export function decode(ctx) { const m = ctx.message; try { return [" + expression +
                              "]; } catch (e) { return ['error: ' + e.name + ': ' + e.message]; } }"),
                    limits);
  if (!program) return program.error().message;
  RecordingHost host;
  const std::string json = decode(*program, host, payload);
  return json.size() > 2 && json.front() == '[' && json.back() == ']' ? json.substr(1, json.size() - 2) : json;
}

/// Whether `text` contains `part`.
inline bool says(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace jl::script::testing

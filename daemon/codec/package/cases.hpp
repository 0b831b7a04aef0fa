#pragma once
// Test cases that a package brings with it (tests/*.json, examples/protocols/FORMAT.md): what goes in, and what should
// come out. Pure: whoever can run a package feeds the inputs and hands the outcome to difference().
#include "daemon/codec/descriptor.hpp"
#include "daemon/codec/package/archive.hpp"

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jl::codec::package {

namespace json = boost::json;

/// Bounds of the cases of one package.
inline constexpr std::size_t kMaxCases = 1000, kMaxSteps = 64;

/// One message or frame of a device, or what a device says to be let in.
struct CaseInput {
  std::string payload{};
  bool is_text = false;  ///< it was written as "text" or "json": a WebSocket text frame
  std::vector<std::pair<std::string, std::string>> texts{};  ///< topic, path, method, ...; of what is given only
  std::vector<std::pair<std::string, double>> numbers{};     ///< qos, contentFormat
};

/// Bytes that should go to the device.
struct ExpectedWire {
  enum class Form : std::uint8_t { any, bytes, text, json };
  Form form = Form::any;
  std::string bytes{};  ///< of Form::bytes and Form::text
  json::value value{};  ///< of Form::json: matches a part, as compare() does
  std::optional<std::string> topic{};
};

struct Expectation {
  std::optional<json::array> messages{};
  std::optional<std::vector<ExpectedWire>> sent{};
  std::string error{};  ///< a part of the error's message; "" = there must be none
  std::optional<bool> success{};
};

struct Case {
  enum class Kind : std::uint8_t { decode, encode, authenticate };
  struct Device {
    std::string id, product_id;
    std::map<std::string, std::string> config{};
    /// Whether the session is known to be this device's. False before a first frame: it can only be looked up by id,
    /// until a message names it.
    bool online = true;
  };
  std::string name;
  SourcePosition position{};  ///< "tests/report.json", line, column
  Transport transport{};
  std::optional<Device> device{};  ///< the only one that there is; none = there is none
  std::string state{};             ///< ctx.session.state before the first input, as JSON text; "" = nothing yet
  Kind kind = Kind::decode;
  std::vector<CaseInput> inputs{};  ///< decode: one after another in one session; authenticate: the one request
  std::string message{};            ///< encode: the device message as JSON text
  Expectation expect{};
};

/// What came out.
struct Outcome {
  struct Wire {
    std::string payload;
    std::string topic{};
  };
  json::array messages{};         ///< device messages, in order
  std::vector<Wire> sent{};       ///< ctx.send(), ctx.respond(), and what encode() returned
  std::string error{};            ///< "" = none
  std::optional<bool> success{};  ///< authenticate
};

/// All cases of the *.json files below tests/, in the order of the files. Errors: invalid, all problems with their
/// places ("tests/report.json:4:3: ...").
[[nodiscard]] Result<std::vector<Case>> read_cases(const Files& files);

/// The first difference between what is expected and what is there, with its path; "" when there is none. Objects
/// match when all expected members do (null: a member that is null or absent), lists when they have as many items that
/// all match, numbers by their value.
[[nodiscard]] std::string compare(const json::value& expected, const json::value& actual, const std::string& path = {});

/// The first difference between what the case expects and what came out; "" when it passed.
[[nodiscard]] std::string difference(const Case& test, const Outcome& outcome);

}  // namespace jl::codec::package

#include "common/base/error.hpp"

#include "common/base/assert.hpp"

#include <array>

namespace jl {
namespace {

// code, word, jlctl exit, sysexit, http, retryable, meaning
constexpr std::array<ErrcInfo, static_cast<std::size_t>(Errc::count_)> kTable{{
    {Errc::failed, "failed", 1, 70, 500, false, "something unexpected went wrong inside"},
    {Errc::usage, "usage", 2, 64, 400, false, "a word, flag or value on the command line is wrong"},
    {Errc::not_found, "not_found", 3, 70, 404, false, "a named object does not exist"},
    {Errc::already_exists, "already_exists", 4, 70, 409, false, "an object with this id exists already"},
    {Errc::conflict, "conflict", 4, 70, 409, false, "the object exists with another specification"},
    {Errc::revision_mismatch, "revision_mismatch", 4, 70, 412, false, "the object changed since it was read"},
    {Errc::request_id_mismatch, "request_id_mismatch", 4, 70, 409, false,
     "this request id was used for another request"},
    {Errc::invalid, "invalid", 5, 78, 422, false, "a value was rejected by validation"},
    {Errc::unknown_field, "unknown_field", 5, 78, 422, false, "no such field; the nearest name is given"},
    {Errc::immutable_field, "immutable_field", 5, 70, 422, false, "this field cannot change after creation"},
    {Errc::unsupported, "unsupported", 5, 78, 422, false, "this type or feature is not supported"},
    {Errc::in_use, "in_use", 4, 70, 409, false, "other objects refer to this one"},
    {Errc::enabled, "enabled", 4, 70, 409, false, "the object must be disabled first"},
    {Errc::disabled, "disabled", 4, 70, 409, false, "the object, or one it needs, must be enabled first"},
    {Errc::denied, "denied", 6, 77, 403, false, "your role does not allow this"},
    {Errc::unavailable, "unavailable", 7, 75, 503, true, "the daemon cannot answer right now"},
    {Errc::not_running, "not_running", 7, 75, 503, true, "nothing listens on the control socket"},
    {Errc::no_socket, "no_socket", 7, 75, 503, true, "the control socket does not exist"},
    {Errc::socket_denied, "socket_denied", 6, 77, 403, false, "you may not open the control socket"},
    {Errc::busy, "busy", 7, 75, 503, true, "the daemon has too many calls at once"},
    {Errc::timeout, "timeout", 8, 75, 504, true, "the time limit passed; the work may go on"},
    {Errc::version_mismatch, "version_mismatch", 9, 76, 426, false, "jlctl and jlinkd speak different versions"},
    {Errc::job_failed, "job_failed", 10, 70, 500, false, "the operation was accepted and then failed"},
    {Errc::partial, "partial", 11, 70, 207, false, "some items of a batch failed"},
    {Errc::unconfirmed, "unconfirmed", 12, 64, 428, false, "confirmation is needed and was not given"},
    {Errc::differs, "differs", 20, 70, 200, false, "differences were found"},
    {Errc::too_large, "too_large", 5, 65, 413, false, "the request is larger than the limit"},
    {Errc::sign_mismatch, "sign_mismatch", 5, 65, 422, false, "the file has another digest than the one given"},
    {Errc::rate_limited, "rate_limited", 7, 75, 429, true, "too many requests; wait a moment"},
    {Errc::bad_request, "bad_request", 2, 65, 400, false, "the request cannot be read"},
    {Errc::method_not_allowed, "method_not_allowed", 2, 65, 405, false, "this path does not take this method"},
    {Errc::storage, "storage", 1, 74, 500, true, "the state folder could not be read or written"},
    {Errc::corrupt, "corrupt", 1, 74, 500, false, "stored data is damaged"},
    {Errc::address_in_use, "address_in_use", 4, 69, 409, true, "the address or port is taken"},
    {Errc::network, "network", 1, 69, 502, true, "a network operation failed"},
    {Errc::interrupted, "interrupted", 130, 75, 503, false, "stopped by a signal"},
    {Errc::output, "output", 1, 74, 500, false, "the result could not be written"},
    {Errc::device_offline, "CLIENT_OFFLINE", 7, 70, 503, true, "the device is not connected"},
    {Errc::connection_lost, "CONNECTION_LOST", 7, 70, 503, true, "the connection of the device was lost"},
    {Errc::no_reply, "NO_REPLY", 8, 70, 504, true, "the device left without answering"},
    {Errc::unsupported_message, "UNSUPPORTED_MESSAGE", 5, 70, 422, false,
     "the device's protocol cannot carry this message"},
    {Errc::parameter_error, "PARAMETER_ERROR", 5, 70, 422, false, "a parameter has the wrong type or value"},
    {Errc::parameter_undefined, "PARAMETER_UNDEFINED", 5, 70, 422, false, "the function has no such parameter"},
    {Errc::function_undefined, "FUNCTION_UNDEFINED", 5, 70, 422, false, "the thing model has no such function"},
    {Errc::property_undefined, "PROPERTY_UNDEFINED", 5, 70, 422, false, "the thing model has no such property"},
    {Errc::unknown_parent_device, "UNKNOWN_PARENT_DEVICE", 4, 70, 409, false,
     "the parent of the device does not exist"},
    {Errc::cyclic_dependence, "CYCLIC_DEPENDENCE", 4, 70, 409, false, "a device is its own ancestor"},
    {Errc::server_not_available, "SERVER_NOT_AVAILABLE", 7, 70, 503, true, "the server that holds the device is away"},
    {Errc::system_busy, "SYSTEM_BUSY", 7, 70, 503, true, "too many commands wait for this device"},
    {Errc::device_error, "device_error", 10, 70, 502, false, "the device answered with a failure"},
    {Errc::device_not_activated, "device_not_activated", 4, 70, 409, false, "the device is disabled"},
    {Errc::secret_missing, "secret_missing", 5, 70, 422, false,
     "an exported placeholder stands where a secret is needed"},
    {Errc::disconnect_limit, "disconnect_limit", 4, 70, 409, false, "more sessions would be cut than allowed"},
}};

constexpr bool in_enum_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i || kTable[i].word.empty()) return false;
  }
  return true;
}
static_assert(in_enum_order(), "one row per Errc, in the enum's order");

}  // namespace

std::span<const ErrcInfo> errc_table() { return kTable; }

const ErrcInfo& info(Errc code) {
  JL_ASSERT(code < Errc::count_);
  return kTable[static_cast<std::size_t>(code)];
}

std::optional<Errc> errc_from_word(std::string_view word) {
  for (const auto& row : kTable) {
    if (row.word == word) return row.code;
  }
  return std::nullopt;
}

Error error_from_problems(std::vector<Problem> problems) {
  JL_ASSERT(!problems.empty());
  const Problem& first = problems.front();
  std::string message = first.field.empty() ? first.message : first.field + ": " + first.message;
  if (!first.object.empty()) message = "\"" + first.object + "\": " + message;
  if (problems.size() > 1) message += " (and " + std::to_string(problems.size() - 1) + " more)";
  Error error{first.code, std::move(message), {}, first.field};
  error.problems = std::move(problems);
  return error;
}

}  // namespace jl

#pragma once
// One record of the access log: who called what, on what, how long it took and how it ended.
#include "daemon/control/admission.hpp"
#include "daemon/control/exchange.hpp"

namespace jl::control {

/// What is remembered of a call for its record. Made before the handler gets the body, so that nothing large is kept.
struct CallMemo {
  std::string method;
  Millis started = 0;        ///< steady
  bool is_recorded = false;  ///< a refusal for lack of a role is recorded anyway
  std::string action, path, object;
  boost::json::object parameters;  ///< secrets masked

  CallMemo() = default;
  CallMemo(std::string method_used, const Admission& admission, Millis steady_now);
  /// Takes what the record keeps of the body.
  void note_body(const Admission& admission, const boost::json::object& body);
  /// Takes the id and size of an uploaded file.
  void note_file(const store::StoredFile& file);
};

/// How a call ended.
struct CallEnd {
  int status = 200;
  std::optional<Errc> code;
  std::string error;
  CallNotes notes;
};

[[nodiscard]] boost::json::object access_record(const CallMemo& memo, const Caller& caller, const CallEnd& end,
                                                Millis steady_now);
/// A claimed header as it may be recorded: at most 200 printable ASCII characters.
[[nodiscard]] std::string claimed_text(std::string_view header);

}  // namespace jl::control

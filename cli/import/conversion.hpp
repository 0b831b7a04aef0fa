#pragma once
// The work of one import: every object of the files as a draft, kind after kind in the order of dependence, so that a
// reference is resolved when it is known whether its target could be carried.
//
// What comes out must apply as a whole. An object that cannot stand is left out with an error; one that can stand but
// would not be let in as it is (a second listener on one port) is written disabled, with a warning.
#include "cli/import/note.hpp"
#include "common/base/time.hpp"
#include "common/model/resource.hpp"

#include <boost/json.hpp>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jl::cli::jetlinks {

namespace json = boost::json;

/// One object on its way from an export to a manifest.
struct Draft {
  const model::Kind* kind = nullptr;
  std::string file;
  std::string old_id;     ///< as in the export
  json::object fields{};  ///< of the export, those that have not been placed yet
  std::string id{};       ///< here
  std::string name{};
  std::string description{};
  bool enabled = true;
  json::object spec{};       ///< as far as it is carried, in JetLinks' writing
  json::object canonical{};  ///< the same as jlinkd will hold it, with defaults; once settled
  bool carried = true;
  bool is_foreign = false;   ///< of gateways, products and devices: their protocol is only known to the daemon
  bool is_official = false;  ///< of protocols, and of gateways, products and devices: it is JetLinks' official one

  /// "gateway/1": by its old id, which is what its owner knows it by.
  [[nodiscard]] std::string label() const { return kind->name + "/" + old_id; }
};

struct Options {
  const model::Kind* kind = nullptr;    ///< what every object is; nullptr = by its fields
  std::vector<std::string> existing{};  ///< KIND or KIND/ID: what the daemon has already, and references may name
  std::vector<std::string> official{};  ///< ids of protocols that are JetLinks' official one
  Millis now = 0;
};

class Conversion {
 public:
  explicit Conversion(const Options& options) : options_(options) {}
  Conversion(const Conversion&) = delete;
  Conversion& operator=(const Conversion&) = delete;

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] std::vector<Note>& notes() { return notes_; }
  [[nodiscard]] std::deque<Draft>& drafts(std::string_view kind) { return drafts_[std::string(kind)]; }

  /// Takes an object in: id, name, description and state are placed. Of two with one id the first is kept.
  /// Answers the draft, or nullptr when it stands already or has neither id nor name.
  Draft* add(const model::Kind& kind, const std::string& file, std::size_t number, json::object object);

  void note(const Draft& draft, std::string field, std::string reason, Severity severity = Severity::warning);
  /// The object is not carried.
  void leave_out(Draft& draft, const std::string& field, const std::string& reason);
  /// The object is carried, but disabled; says so when that is news.
  void turn_off(Draft& draft, const std::string& field, const std::string& reason);

  /// What a reference of the export leads to.
  struct Target {
    std::string id{};        ///< here
    Draft* draft = nullptr;  ///< when it is in the files
    bool usable = false;     ///< carried, or said to exist
    std::string trouble{};   ///< when not: why, for a note
  };
  [[nodiscard]] Target find(std::string_view kind, const std::string& old_id);

  /// The draft with an id of here; nullptr when there is none.
  [[nodiscard]] const Draft* draft_here(std::string_view kind, const std::string& id) const;

  /// Notes what is left of the export's fields and was not empty, but for those that only say who and when, and those
  /// that JetLinks derives from other fields (`derived`).
  void drop_rest(Draft& draft, std::span<const std::string_view> derived);

  /// Brings the draft into canonical form; fields that jlinkd would refuse are dropped with its reason, and the draft
  /// is left out when it cannot do without them.
  void settle(Draft& draft);

 private:
  void place_common(Draft& draft);
  void place_state(Draft& draft);
  [[nodiscard]] std::string placed_text(Draft& draft, const char* field, std::string text, std::size_t most);
  bool drop_refused(Draft& draft, const std::vector<Problem>& problems);

  const Options& options_;
  std::vector<Note> notes_;
  std::map<std::string, std::deque<Draft>> drafts_;
  std::unordered_map<std::string, Draft*> by_old_id_;  // "gateway/1"
  std::unordered_map<std::string, json::object> originals_;
  std::unordered_map<std::string, const Draft*> by_id_;  // "gateway/1", of here
};

/// The manifest of a settled draft: only what was carried, without the defaults.
[[nodiscard]] json::object manifest_of(const Draft& draft);

// One per kind: fills spec and settles. Called for each draft of the kind, in the order of the files.
void convert_cert(Conversion& conversion, Draft& draft);
void convert_network(Conversion& conversion, Draft& draft);
void convert_protocol(Conversion& conversion, Draft& draft);
void convert_gateway(Conversion& conversion, Draft& draft);
void convert_product(Conversion& conversion, Draft& draft);
void convert_device(Conversion& conversion, Draft& draft);

// What can only be seen across all objects of a kind, called once they are settled.
void separate_listeners(Conversion& conversion);   ///< two networks on one address, two clients with one name
void separate_components(Conversion& conversion);  ///< two gateways on a component that takes one
void place_children(Conversion& conversion);       ///< devices under devices

/// Protocols that are no object of the files but named by gateways, and are JetLinks' official one.
void add_named_official_protocols(Conversion& conversion);
/// Whether a protocol of the export is the official one, by its id or what it was made from.
[[nodiscard]] bool is_official(const Conversion& conversion, const Draft& protocol);

/// Places `configuration` of a product or device. For the official protocol, keys that it does not know are dropped
/// with a note.
void place_access_configuration(Conversion& conversion, Draft& draft);
/// Members that are null are left out; a member that was masked, or is an expression of JetLinks 1.x, becomes
/// {fromEnv: NAME} with a note. `path` is for the note.
[[nodiscard]] json::object with_secrets_from_environment(Conversion& conversion, const Draft& draft,
                                                         const std::string& path, const json::object& given);

}  // namespace jl::cli::jetlinks

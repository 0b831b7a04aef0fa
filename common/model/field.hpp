#pragma once
// The field table: every noun's fields described once, as data. Validation, defaults, references, secrets, flags, help,
// completion, man pages and the OpenAPI document are all read from here.
#include "common/base/error.hpp"

#include <boost/json.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jl::model {

namespace json = boost::json;

enum class Type : std::uint8_t {
  string,   ///< one line of text
  integer,  ///< 64 bit
  number,   ///< double
  boolean,
  enumeration,  ///< one of `words`
  secret,       ///< text that is never shown
  reference,    ///< the id of a resource of `refers_to`
  object,       ///< fields of `table`, or of the variant that `selector` picks
  list,         ///< of objects of `table`, or of strings when there is none
  map,          ///< text to text
  config,       ///< text to text, keys asked for by a protocol; some of them secret (see protocol_config.hpp)
  json,         ///< any JSON, checked by `check`
};
[[nodiscard]] std::string_view to_string(Type type);

struct Table;

/// One legal word of an enumeration.
struct Word {
  std::string word;  ///< as JetLinks spells it: MQTT_SERVER
  std::string help{};
  std::vector<std::string> aliases{};  ///< friendlier spellings that are accepted: mqtt-server
};

/// One of several shapes of an object, picked by a word of a sibling field at the root of the spec.
struct Variant {
  std::string word;
  const Table* table;
  std::vector<std::string> aliases{};  ///< of the word, as the selector accepts them
};

/// Extra check of one value; may also bring it into its canonical form. Appends what is wrong.
using Check = void (*)(json::value& value, const std::string& path, std::vector<Problem>& problems);

/// The same of a whole object, once its fields are canonical: for what depends on several of them.
using Settle = void (*)(json::object& object, const std::string& path, std::vector<Problem>& problems);

/// What a reference does when the resource that it names is deleted.
enum class Bond : std::uint8_t {
  holds,    ///< that is refused while the reference is there
  owned,    ///< the resource that refers goes too
  unbinds,  ///< the entry of a list that refers goes too
};

/// One field. Built by the describe() function of its struct (describe.hpp).
struct Field {
  std::string key;  ///< JetLinks' spelling
  Type type = Type::string;
  std::string help{};           ///< one line for people
  json::value default_value{};  ///< null = none
  bool required = false;
  bool immutable = false;       ///< cannot change after creation
  bool per_node = false;        ///< differs per cluster node when shareCluster is false
  bool ignored = false;         ///< accepted from JetLinks and dropped
  bool restarts = false;        ///< changing it restarts the running component
  bool hashed = false;          ///< of a secret, only a hash is kept
  std::string formerly{};       ///< what JetLinks 1.x called the key; accepted where the key itself is absent
  std::string required_when{};  ///< another field (sibling) that must be true for this one to be required
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::size_t max_length = 255;  ///< characters of a text, entries of a list or map
  std::vector<Word> words{};
  std::string refers_to{};  ///< kind
  Bond bond = Bond::holds;  ///< of references
  const Table* table = nullptr;
  std::string selector{};
  std::vector<Variant> variants{};
  Check check = nullptr;
  std::string flag{};  ///< of jlctl, without dashes
  std::string example{};
  bool from_file = false;  ///< jlctl takes it as a file, not as a word of the command line
  bool base64 = false;     ///< holds bytes in base64; a file's content is encoded on the way in
  std::string uploaded{};  ///< holds the id of a file that was uploaded for this purpose; jlctl takes the file itself
  std::string upload_name{};  ///< sibling that jlctl fills in with the name of the file it uploads

  [[nodiscard]] bool has_range() const { return min != std::numeric_limits<std::int64_t>::min(); }
  /// The table of an object or list, as the spec's selector picks it; nullptr when the selector names none.
  [[nodiscard]] const Table* table_for(const json::object& root) const;
};

struct Table {
  std::vector<Field> fields;
  Settle settle = nullptr;
  [[nodiscard]] const Field* find(std::string_view key) const;
};

/// A value as a text: texts as they are, numbers as people write them ("21.5", where JSON may say 2.15E1), else JSON.
[[nodiscard]] std::string text_of(const json::value& value);

/// The legal words of an enumeration, for error texts and completion.
[[nodiscard]] std::vector<std::string> words_of(const Field& field);

/// Whether a text has the form of the id of an uploaded file: a SHA-256 in lower-case hex.
[[nodiscard]] bool is_file_id(std::string_view text);

/// Brings input into canonical form by the table: JetLinks' coercions (network.md 1.5), defaults, words as spelled,
/// ignored fields dropped, null and absent the same. Appends every problem with its path. The result is usable only
/// when no problem was added. `root` is the whole spec, for selectors; it is the input itself at the top.
[[nodiscard]] json::object normalize(const Table& table, const json::object& input, const json::object& root,
                                     const std::string& path, std::vector<Problem>& problems);

/// Calls `visit(field, value, path)` for each scalar and leaf of a canonical object, depth first.
/// Used to find references and secrets wherever they stand.
template <class Visit>
void for_each_value(const Table& table, json::object& object, const json::object& root, const std::string& path,
                    Visit&& visit) {
  for (const Field& field : table.fields) {
    auto* value = object.if_contains(field.key);
    if (!value || field.ignored) continue;
    const std::string at = path.empty() ? field.key : path + "." + field.key;
    const Table* inner = field.table_for(root);
    if (field.type == Type::object && inner && value->is_object()) {
      for_each_value(*inner, value->as_object(), root, at, visit);
    } else if (field.type == Type::list && inner && value->is_array()) {
      std::size_t index = 0;
      for (auto& item : value->as_array()) {
        if (item.is_object()) {
          for_each_value(*inner, item.as_object(), root, at + "[" + std::to_string(index) + "]", visit);
        }
        ++index;
      }
    } else {
      visit(field, *value, at);
    }
  }
}

/// The fields that changed between two canonical objects although they are immutable, as problems.
void check_immutable(const Table& table, const json::object& before, const json::object& after, const std::string& path,
                     std::vector<Problem>& problems);

/// RFC 7396 JSON merge patch.
void merge_patch(json::object& target, const json::object& patch);

}  // namespace jl::model

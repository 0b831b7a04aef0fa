#pragma once
// Builds field tables from structs, and structs from canonical JSON, out of one describe() function per struct:
//
//   struct Thing { std::string host = "0.0.0.0"; std::uint16_t port = 0; };
//   template <class V> void describe(V& v, Thing& t) {
//     v.field("host", t.host).help("local address to bind").restarts();
//     v.field("port", t.port).required().range(1, 65535).help("local port");
//   }
//   table_of<Thing>()            the table; defaults are those of a default-constructed Thing
//   from_json<Thing>(object)     the struct; the object must be canonical (normalize() found no problem)
#include "common/base/secret.hpp"
#include "common/base/words.hpp"
#include "common/model/field.hpp"

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace jl::model {

/// Enumerations of specs specialise this: the words in the enum's order.
template <class E>
struct EnumWords;  // static const std::vector<Word>& words();

/// A reference to a resource of another kind: an id, possibly empty.
struct Reference {
  std::string id;
  bool operator==(const Reference&) const = default;
};
/// Text-to-text map whose keys a protocol asks for.
struct Config {
  std::map<std::string, std::string> values;
};

template <class T>
const Table& table_of();
template <class T>
T from_json(const json::object& object);

namespace detail {

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

/// Fills in a Field; the methods chain.
class Marks {
 public:
  explicit Marks(Field& field) : field_(&field) {}
  Marks& help(const char* text) { return field_->help = text, *this; }
  Marks& required() { return field_->required = true, field_->default_value = nullptr, *this; }
  Marks& required_when(const char* sibling) { return field_->required_when = sibling, *this; }
  Marks& formerly(const char* key) { return field_->formerly = key, *this; }
  Marks& immutable() { return field_->immutable = true, *this; }
  Marks& per_node() { return field_->per_node = true, *this; }
  Marks& ignored() { return field_->ignored = true, *this; }
  Marks& restarts() { return field_->restarts = true, *this; }
  Marks& hashed() { return field_->hashed = true, *this; }
  Marks& from_file() { return field_->from_file = true, *this; }
  Marks& base64() { return field_->base64 = true, *this; }
  Marks& uploaded(const char* purpose, const char* name_field = "") {
    return field_->uploaded = purpose, field_->upload_name = name_field, *this;
  }
  Marks& range(std::int64_t min, std::int64_t max) { return field_->min = min, field_->max = max, *this; }
  Marks& max_length(std::size_t n) { return field_->max_length = n, *this; }
  Marks& refers_to(const char* kind) { return field_->refers_to = kind, *this; }
  Marks& owner() { return field_->bond = Bond::owned, *this; }
  Marks& unbinds() { return field_->bond = Bond::unbinds, *this; }
  Marks& selected_by(const char* sibling, std::vector<Variant> variants) {
    return field_->selector = sibling, field_->variants = std::move(variants), *this;
  }
  Marks& check(Check function) { return field_->check = function, *this; }
  Marks& flag(const char* name) { return field_->flag = name, *this; }
  Marks& example(const char* text) { return field_->example = text, *this; }
  Marks& no_default() { return field_->default_value = nullptr, *this; }

 private:
  Field* field_;
};

/// Accepts the same chain and does nothing: for readers.
struct NoMarks {
  NoMarks& help(const char*) { return *this; }
  NoMarks& required() { return *this; }
  NoMarks& required_when(const char*) { return *this; }
  NoMarks& formerly(const char*) { return *this; }
  NoMarks& immutable() { return *this; }
  NoMarks& per_node() { return *this; }
  NoMarks& ignored() { return *this; }
  NoMarks& restarts() { return *this; }
  NoMarks& hashed() { return *this; }
  NoMarks& from_file() { return *this; }
  NoMarks& base64() { return *this; }
  NoMarks& uploaded(const char*, const char* = "") { return *this; }
  NoMarks& range(std::int64_t, std::int64_t) { return *this; }
  NoMarks& max_length(std::size_t) { return *this; }
  NoMarks& refers_to(const char*) { return *this; }
  NoMarks& owner() { return *this; }
  NoMarks& unbinds() { return *this; }
  NoMarks& selected_by(const char*, const std::vector<Variant>&) { return *this; }
  NoMarks& check(Check) { return *this; }
  NoMarks& flag(const char*) { return *this; }
  NoMarks& example(const char*) { return *this; }
  NoMarks& no_default() { return *this; }
};

template <class M>
void set_type(Field& field, const M& value) {
  if constexpr (std::is_same_v<M, bool>) {
    field.type = Type::boolean;
    field.default_value = value;
  } else if constexpr (std::is_enum_v<M>) {
    field.type = Type::enumeration;
    field.words = EnumWords<M>::words();
    field.default_value = json::value(field.words[static_cast<std::size_t>(value)].word);
  } else if constexpr (std::is_integral_v<M>) {
    field.type = Type::integer;
    field.default_value = static_cast<std::int64_t>(value);
  } else if constexpr (std::is_floating_point_v<M>) {
    field.type = Type::number;
    field.default_value = value;
  } else if constexpr (std::is_same_v<M, std::string>) {
    field.type = Type::string;
    if (!value.empty()) field.default_value = json::value(value);
  } else if constexpr (std::is_same_v<M, Secret>) {
    field.type = Type::secret;
    field.max_length = 1024;
  } else if constexpr (std::is_same_v<M, Reference>) {
    field.type = Type::reference;
  } else if constexpr (std::is_same_v<M, Config>) {
    field.type = Type::config;
  } else if constexpr (std::is_same_v<M, std::map<std::string, std::string>>) {
    field.type = Type::map;
  } else if constexpr (std::is_same_v<M, std::vector<std::string>>) {
    field.type = Type::list;
  } else if constexpr (is_vector<M>::value) {
    field.type = Type::list;
    field.table = &table_of<typename M::value_type>();
  } else if constexpr (is_optional<M>::value) {
    set_type(field, typename M::value_type{});
    field.default_value = nullptr;
  } else if constexpr (std::is_same_v<M, json::object>) {
    field.type = Type::object;  // selected_by() or check() says more
  } else if constexpr (std::is_same_v<M, json::value>) {
    field.type = Type::json;
  } else {
    field.type = Type::object;
    field.table = &table_of<M>();
  }
}

class TableBuilder {
 public:
  explicit TableBuilder(Table& table) : table_(&table) { table_->fields.reserve(64); }
  template <class M>
  Marks field(const char* key, M& member) {
    Field& field = table_->fields.emplace_back();
    field.key = key;
    field.flag = kebab_case(key);
    set_type(field, member);
    return Marks(field);
  }
  /// A key that JetLinks sends and jlinkd has no use for.
  void drop(const char* key) {
    Field& field = table_->fields.emplace_back();
    field.key = key;
    field.ignored = true;
  }
  /// What brings the whole object into its canonical form.
  void settle(Settle function) { table_->settle = function; }

 private:
  Table* table_;
};

template <class M>
void read_value(const json::value& value, M& member) {
  if constexpr (std::is_same_v<M, bool>) {
    member = value.as_bool();
  } else if constexpr (std::is_enum_v<M>) {
    const auto& words = EnumWords<M>::words();
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i].word == value.as_string()) member = static_cast<M>(i);
    }
  } else if constexpr (std::is_integral_v<M>) {
    member = static_cast<M>(value.as_int64());
  } else if constexpr (std::is_floating_point_v<M>) {
    member = value.to_number<M>();
  } else if constexpr (std::is_same_v<M, std::string>) {
    member = value.as_string().c_str();
  } else if constexpr (std::is_same_v<M, Secret>) {
    member = Secret(std::string(value.as_string()));
  } else if constexpr (std::is_same_v<M, Reference>) {
    member.id = value.as_string().c_str();
  } else if constexpr (std::is_same_v<M, Config>) {
    for (const auto& [key, text] : value.as_object()) member.values[key] = text.as_string().c_str();
  } else if constexpr (std::is_same_v<M, std::map<std::string, std::string>>) {
    for (const auto& [key, text] : value.as_object()) member[key] = text.as_string().c_str();
  } else if constexpr (is_vector<M>::value) {
    for (const auto& item : value.as_array()) {
      typename M::value_type element{};
      read_value(item, element);
      member.push_back(std::move(element));
    }
  } else if constexpr (is_optional<M>::value) {
    read_value(value, member.emplace());
  } else if constexpr (std::is_same_v<M, json::object>) {
    member = value.as_object();
  } else if constexpr (std::is_same_v<M, json::value>) {
    member = value;
  } else {
    member = from_json<M>(value.as_object());
  }
}

class Reader {
 public:
  explicit Reader(const json::object& object) : object_(&object) {}
  template <class M>
  NoMarks field(const char* key, M& member) {
    if (const auto* value = object_->if_contains(key)) read_value(*value, member);
    return {};
  }
  void drop(const char*) {}
  void settle(Settle) {}

 private:
  const json::object* object_;
};

}  // namespace detail

/// The field table of a described struct; built on first use.
template <class T>
const Table& table_of() {
  static const Table table = [] {
    Table built;
    T defaults{};
    detail::TableBuilder builder(built);
    describe(builder, defaults);
    return built;
  }();
  return table;
}

/// The struct of a canonical object.
template <class T>
T from_json(const json::object& object) {
  T value{};
  detail::Reader reader(object);
  describe(reader, value);
  return value;
}

}  // namespace jl::model

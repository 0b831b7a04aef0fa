#pragma once
// The thing model (物模型): what a device can report, be told and signal (access.md 6). It checks values on their way
// down; what comes up is taken as it is.
#include "common/base/result.hpp"

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jl::model {

namespace json = boost::json;

/// The value types of JetLinks.
enum class ValueKind : std::uint8_t {
  int_,
  long_,
  short_,
  byte_,
  float_,
  double_,
  string,
  password,
  boolean,
  enumeration,
  date,
  array,
  object,
  file,
  geo_point,
  geo_shape,
  user,
};

struct ThingProperty;

struct ValueType {
  ValueKind kind = ValueKind::string;
  std::optional<double> min, max;
  std::optional<std::int64_t> max_length;
  bool multiple = false;              ///< enum that takes several values
  std::vector<json::value> elements;  ///< enum: legal values
  json::value true_value = true, false_value = false;
  std::shared_ptr<const ValueType> element_type;  ///< array
  std::vector<ThingProperty> properties;          ///< object
};

struct ThingProperty {
  std::string id, name;
  ValueType type;
  bool readable = true, writable = true, reports = true;
};

struct ThingFunction {
  std::string id, name;
  bool async = false;
  std::vector<ThingProperty> inputs;
};

struct ThingModel {
  std::map<std::string, ThingProperty, std::less<>> properties;
  std::map<std::string, ThingFunction, std::less<>> functions;
  std::map<std::string, std::string, std::less<>> events;  ///< id -> name
  std::map<std::string, ThingProperty, std::less<>> tags;
};

/// Parses and checks a thing model; appends every problem with its path. `canonical` gets the model's JSON with
/// unknown parts kept (JetLinks' pages carry more than jlinkd reads).
[[nodiscard]] ThingModel parse_thing_model(const json::value& metadata, const std::string& path,
                                           std::vector<Problem>& problems);
/// The product's model with the device's own laid over it, by id.
[[nodiscard]] ThingModel merge_models(const ThingModel& product, const ThingModel& device);

/// Converts a value as given by a person or script ("21.5", 1, true) to what the type wants.
/// Errors: parameter_error naming `what`.
[[nodiscard]] Result<json::value> convert_value(const ValueType& type, const json::value& given, std::string_view what);

}  // namespace jl::model

#pragma once
// Typed binary values as JSON text (wire.md 5.3), appended while they are read.
#include "daemon/codec/official/binary_format.hpp"

#include <string>

namespace jl::codec::official {

/// Steps return false once wrong() says why; the text is of no use then.
class BinaryValues {
 public:
  BinaryValues(BinaryReader& reader, std::string& json) : reader_(reader), json_(json) {}

  /// A type byte and its content. `depth` containers are open around it.
  bool value(std::size_t depth) { return value_of(reader_.integer<std::uint8_t>(), depth); }
  /// The content of an OBJECT.
  bool object(std::size_t depth);
  /// STRING, as a JSON string; `plain` is what was read.
  bool string(std::string_view& plain);

  bool fail(std::string_view what) {
    wrong_ = what;
    return false;
  }
  [[nodiscard]] std::string_view wrong() const { return wrong_; }

 private:
  bool value_of(std::uint8_t type, std::size_t depth);
  bool array(std::size_t depth);
  bool may_open(std::size_t depth);
  bool is_whole();
  bool integer(std::int64_t number);

  BinaryReader& reader_;
  std::string& json_;
  std::size_t values_ = 0;
  std::string_view wrong_;
};

}  // namespace jl::codec::official

#pragma once
// What an import could not carry, or had to change, in words for the person who has to deal with it.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jl::cli::jetlinks {

enum class Severity : std::uint8_t {
  info,     ///< said differently, nothing lost
  warning,  ///< a field was dropped, or the object is off until somebody looks at it
  error,    ///< the object itself is not in the manifests
};
[[nodiscard]] std::string_view to_string(Severity severity);

struct Note {
  std::string file;    ///< as given on the command line
  std::string object;  ///< "gateway/1", with the id as it was in the file; "object 3" when it is not known what it is
  std::string field;   ///< JetLinks' key with its path; "" = the whole object
  std::string reason;  ///< lower case, no full stop
  Severity severity = Severity::warning;
  bool operator==(const Note&) const = default;
};

/// A text of an export as it can be told: without control characters, and cut when it is long.
[[nodiscard]] std::string tellable(std::string text);

/// "FILE: gateway/1: protocol: reason".
[[nodiscard]] std::string text_of(const Note& note);

/// The notes as lines of text_of(). Of notes that differ in nothing but the object, only the first few are lines of
/// their own: a field that ten thousand devices have is worth one line more, not ten thousand.
[[nodiscard]] std::vector<std::string> lines_of(const std::vector<Note>& notes);

}  // namespace jl::cli::jetlinks

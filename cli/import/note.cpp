#include "cli/import/note.hpp"

#include "common/base/words.hpp"

#include <array>
#include <map>
#include <tuple>

namespace jl::cli::jetlinks {
namespace {

constexpr std::size_t kShownEach = 5;

// What of a note is the same for all objects of a kind.
using Family = std::tuple<std::string, std::string, std::string, std::string>;

Family family_of(const Note& note) {
  return {note.file, note.object.substr(0, note.object.find('/')), note.field, note.reason};
}

}  // namespace

std::string_view to_string(Severity severity) {
  static constexpr std::array<std::string_view, 3> kWords{"info", "warning", "error"};
  return kWords[static_cast<std::size_t>(severity)];
}

std::string tellable(std::string text) {
  constexpr std::size_t kMost = 300;
  if (text.size() > kMost) {
    std::size_t end = kMost;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    text += "...";
  }
  if (is_printable_utf8(text)) return text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  if (is_printable_utf8(text)) return text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

std::string text_of(const Note& note) {
  std::string out = note.file;
  if (!note.object.empty()) out += ": " + note.object;
  if (!note.field.empty()) out += ": " + note.field;
  return out + ": " + note.reason;
}

std::vector<std::string> lines_of(const std::vector<Note>& notes) {
  std::map<Family, std::size_t> left;
  for (const Note& note : notes) ++left[family_of(note)];
  std::map<Family, std::size_t> shown;
  std::vector<std::string> out;
  for (const Note& note : notes) {
    const Family family = family_of(note);
    const std::size_t before = shown[family]++;
    if (before < kShownEach || left[family] == kShownEach + 1) {
      out.push_back(text_of(note));
    } else if (before == kShownEach) {
      const std::string more = std::to_string(left[family] - kShownEach) + " more of kind " + std::get<1>(family);
      out.push_back(text_of({note.file, more, note.field, note.reason, note.severity}));
    }
  }
  return out;
}

}  // namespace jl::cli::jetlinks

#pragma once
// Zip archives byte by byte (APPNOTE 4.3), so that tests can write what no tool would.
#include <zlib.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::codec::package::test {

struct ZipEntry {
  std::string name;
  std::string content{};
  bool deflate = false;
  std::uint16_t flags = 0;                   ///< general purpose bits; 1 = encrypted
  std::optional<std::uint16_t> method{};     ///< claimed in place of what was used
  std::optional<std::uint32_t> size{};       ///< claimed unpacked size
  std::optional<std::uint32_t> crc{};        ///< claimed CRC
  std::uint16_t mode = 0;                    ///< st_mode in the external attributes
  std::optional<std::size_t> shares_with{};  ///< its header is that of this entry, as overlapping entries have it
};

inline void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFFu);
}

inline std::string raw_deflate(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// The archive; `zip64_entries` adds a ZIP64 end record that claims so many.
inline std::string zip(const std::vector<ZipEntry>& entries, std::optional<std::uint64_t> zip64_entries = {}) {
  std::string out;
  std::string directory;
  std::vector<std::uint32_t> offsets;
  for (const ZipEntry& entry : entries) {
    const std::string packed = entry.deflate ? raw_deflate(entry.content) : entry.content;
    const auto* data = reinterpret_cast<const Bytef*>(entry.content.data());
    const auto crc =
        entry.crc.value_or(static_cast<std::uint32_t>(crc32(0, data, static_cast<uInt>(entry.content.size()))));
    const auto common = [&](std::string& to) {
      put(to, 20, 2), put(to, entry.flags, 2), put(to, entry.method.value_or(entry.deflate ? 8 : 0), 2);
      put(to, 0x00210000, 4), put(to, crc, 4), put(to, packed.size(), 4);
      put(to, entry.size.value_or(static_cast<std::uint32_t>(entry.content.size())), 4), put(to, entry.name.size(), 2);
    };
    offsets.push_back(entry.shares_with ? offsets[*entry.shares_with] : static_cast<std::uint32_t>(out.size()));
    if (!entry.shares_with) {
      out += "PK\x03\x04";
      common(out);
      put(out, 0, 2);
      out += entry.name + packed;
    }
    directory += "PK\x01\x02";
    put(directory, 0x0300 | 20, 2);
    common(directory);
    put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 2);
    put(directory, std::uint32_t{entry.mode} << 16u, 4), put(directory, offsets.back(), 4);
    directory += entry.name;
  }
  const std::size_t start = out.size();
  out += directory;
  const std::size_t end = out.size();
  if (zip64_entries) {
    out += std::string_view("PK\x06\x06", 4);
    put(out, 44, 8), put(out, 45, 2), put(out, 45, 2), put(out, 0, 4), put(out, 0, 4);
    put(out, *zip64_entries, 8), put(out, *zip64_entries, 8), put(out, directory.size(), 8), put(out, start, 8);
    out += "PK\x06\x07";
    put(out, 0, 4), put(out, end, 8), put(out, 1, 4);
  }
  out += "PK\x05\x06";
  const std::uint64_t count = zip64_entries ? 0xFFFF : entries.size();
  put(out, 0, 4), put(out, count, 2), put(out, count, 2);
  put(out, zip64_entries ? 0xFFFFFFFF : directory.size(), 4), put(out, zip64_entries ? 0xFFFFFFFF : start, 4);
  put(out, 0, 2);
  return out;
}

}  // namespace jl::codec::package::test

#include "daemon/control/keep_file.hpp"

namespace jl::control {

Result<store::StoredFile> keep_file(store::FileStore::Incoming& incoming, const std::optional<Sign>& sign) {
  if (sign) {
    JL_TRY(const store::StoredFile file, incoming.measure());
    const std::string& actual = sign->method == SignMethod::md5 ? file.md5 : file.id;
    if (actual != sign->digits) return sign_mismatch(*sign, actual);
  }
  return incoming.finish();
}

boost::json::object file_answer(const store::StoredFile& file, bool digests) {
  boost::json::object out{{"fileId", file.id}, {"size", file.size}};
  if (digests) {
    out["sha256"] = file.id;
    out["md5"] = file.md5;
  }
  return out;
}

}  // namespace jl::control

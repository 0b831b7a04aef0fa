#pragma once
// The last step of every way in for a file: it is kept only if it is what its sender says.
#include "common/control/sign.hpp"
#include "daemon/store/file_store.hpp"

#include <boost/json/object.hpp>

namespace jl::control {

/// Names the file if it has the sign; else nothing of it stays once `incoming` goes. Blocks on the disk. Errors:
/// sign_mismatch, those of FileStore::Incoming.
[[nodiscard]] Result<store::StoredFile> keep_file(store::FileStore::Incoming& incoming,
                                                  const std::optional<Sign>& sign);

/// {"fileId", "size"}, and with `digests` also "sha256" and "md5".
[[nodiscard]] boost::json::object file_answer(const store::StoredFile& file, bool digests);

}  // namespace jl::control

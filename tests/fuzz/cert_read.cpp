// Certificate files. Input: one byte that chooses the reader and its password, then the file. The JKS reader is also
// reached past its digest, which no input would match by chance.
#include "common/cert/check.hpp"
#include "common/cert/read.hpp"
#include "common/cert/store.hpp"

#include <openssl/err.h>
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace jl;
using namespace jl::cert;

void check_that(bool claim) {
  if (!claim) std::abort();
}

void check_error(const Error& error) {
  check_that(error.code == Errc::invalid || error.code == Errc::unsupported || error.code == Errc::too_large);
  check_that(!error.message.empty());
}

void look_at(const Bundle& bundle) {
  check_that(bundle.entries.size() <= kMaxEntries);
  for (const auto mode : {Mode::server, Mode::client}) (void)check(bundle, mode, true, 1'800'000'000'000);
  (void)boost::json::serialize(describe(bundle));
  (void)validity(bundle, 1'800'000'000'000);
  (void)pick(bundle, "one");
}

void look_at(const Result<Bundle>& bundle) {
  check_that(ERR_peek_error() == 0);
  bundle ? look_at(*bundle) : check_error(bundle.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view file(reinterpret_cast<const char*>(data + 1), size - 1);
  const Secret password(std::string((data[0] & 4u) != 0 ? "changeit" : ""));
  switch (data[0] & 3u) {
    case 0:
      look_at(read_file(file, password));
      break;
    case 1: {
      const ErrorScope scope;
      const Secret none;
      const auto store = read_jks(file, {none, password});
      if (!store) check_error(store.error());
      break;
    }
    case 2: {
      Source source;
      source.key = source.cert = source.trust = file;
      source.key_password = password;
      look_at(read(source));
      source.cert = {};
      source.trust = {};
      look_at(read(source));
      break;
    }
    default: {
      Source source;
      source.format = Format::pfx;
      source.keystore = source.trust_keystore = file;
      source.keystore_password = source.trust_keystore_password = password;
      look_at(read(source));
    }
  }
  return 0;
}

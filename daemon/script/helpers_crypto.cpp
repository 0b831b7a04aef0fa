// hash.*, hmac.*, aes.*: OpenSSL's.
#include "daemon/script/bytes.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/helpers.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

namespace jl::script {

namespace {
constexpr char kMd5[] = "MD5";
constexpr char kSha1[] = "SHA1";
constexpr char kSha256[] = "SHA256";
constexpr char kSha512[] = "SHA512";

template <const char* kName>
bool hash(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string data;
  if (!copy_bytes_or_text(cx, args.get(0), "hash", data)) return false;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const EVP_MD* kind = EVP_get_digestbyname(kName);
  if (kind == nullptr || EVP_Digest(data.data(), data.size(), digest, &size, kind, nullptr) != 1) {
    ERR_clear_error();
    return throw_error(cx, fmt::format("{} is not available on this host", kName));
  }
  return return_bytes(cx, args, {reinterpret_cast<const char*>(digest), size});
}

template <const char* kName>
bool hmac(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string key;
  std::string data;
  if (!copy_bytes_or_text(cx, args.get(0), "hmac: the key", key)) return false;
  if (!copy_bytes_or_text(cx, args.get(1), "hmac", data)) return false;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const EVP_MD* kind = EVP_get_digestbyname(kName);
  if (kind == nullptr ||
      HMAC(kind, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(data.data()),
           data.size(), digest, &size) == nullptr) {
    ERR_clear_error();
    return throw_error(cx, fmt::format("{} is not available on this host", kName));
  }
  return return_bytes(cx, args, {reinterpret_cast<const char*>(digest), size});
}

struct AesOptions {
  std::string key, iv;
  bool cbc = false, padding = true;
};

/// {mode: "ecb" or "cbc", key, iv, padding: "pkcs7" or "none"}.
bool read_options(JSContext* cx, JS::HandleValue value, AesOptions& options) {
  if (!value.isObject()) return throw_type(cx, "aes takes {mode, key, iv, padding} and bytes");
  const JS::RootedObject object(cx, &value.toObject());
  JS::RootedValue member(cx);
  std::string text;
  if (!JS_GetProperty(cx, object, "mode", &member) || !text_argument(cx, member, "mode", text)) return false;
  options.cbc = text == "cbc";
  if (!options.cbc && text != "ecb") return throw_range(cx, "mode is \"ecb\" or \"cbc\"");
  if (!JS_GetProperty(cx, object, "key", &member) || !copy_bytes_or_text(cx, member, "key", options.key)) return false;
  if (options.key.size() != 16 && options.key.size() != 24 && options.key.size() != 32) {
    return throw_range(cx, fmt::format("a key of {} bytes: 16, 24 or 32", options.key.size()));
  }
  if (!JS_GetProperty(cx, object, "iv", &member)) return false;
  if (options.cbc && !copy_bytes_or_text(cx, member, "iv", options.iv)) return false;
  if (options.cbc && options.iv.size() != 16)
    return throw_range(cx, fmt::format("an iv of {} bytes: 16", options.iv.size()));
  if (!JS_GetProperty(cx, object, "padding", &member)) return false;
  if (member.isUndefined()) return true;
  if (!text_argument(cx, member, "padding", text)) return false;
  options.padding = text == "pkcs7";
  return options.padding || text == "none" || throw_range(cx, "padding is \"pkcs7\" or \"none\"");
}

const EVP_CIPHER* cipher_of(const AesOptions& options) {
  switch (options.key.size()) {
    case 16:
      return options.cbc ? EVP_aes_128_cbc() : EVP_aes_128_ecb();
    case 24:
      return options.cbc ? EVP_aes_192_cbc() : EVP_aes_192_ecb();
    default:
      return options.cbc ? EVP_aes_256_cbc() : EVP_aes_256_ecb();
  }
}

template <bool kEncrypt>
bool aes(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  AesOptions options;
  std::string data;
  if (!read_options(cx, args.get(0), options)) return false;
  if (!(kEncrypt ? copy_bytes_or_text(cx, args.get(1), "aes.encrypt()", data)
                 : copy_bytes(cx, args.get(1), "aes.decrypt()", data))) {
    return false;
  }
  if (data.size() % 16 != 0 && !(kEncrypt && options.padding)) {
    return throw_range(cx, fmt::format("{} bytes are no multiple of 16", data.size()));
  }
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> state(EVP_CIPHER_CTX_new(),
                                                                              EVP_CIPHER_CTX_free);
  const auto bytes_of = [](const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  std::string out(data.size() + 32, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  int size = 0;
  int last = 0;
  const bool done = state != nullptr &&
                    EVP_CipherInit_ex(state.get(), cipher_of(options), nullptr, bytes_of(options.key),
                                      options.cbc ? bytes_of(options.iv) : nullptr, kEncrypt ? 1 : 0) == 1 &&
                    EVP_CIPHER_CTX_set_padding(state.get(), options.padding ? 1 : 0) == 1 &&
                    EVP_CipherUpdate(state.get(), to, &size, bytes_of(data), static_cast<int>(data.size())) == 1 &&
                    EVP_CipherFinal_ex(state.get(), to + size, &last) == 1;
  ERR_clear_error();  // of this thread: TLS connections look there
  if (!done) return throw_error(cx, kEncrypt ? "aes.encrypt() failed" : "aes.decrypt(): a wrong key or damaged bytes");
  out.resize(static_cast<std::size_t>(size) + static_cast<std::size_t>(last));
  return return_bytes(cx, args, out);
}

constexpr JSFunctionSpec kHash[] = {JS_FN("md5", hash<kMd5>, 1, 0), JS_FN("sha1", hash<kSha1>, 1, 0),
                                    JS_FN("sha256", hash<kSha256>, 1, 0), JS_FN("sha512", hash<kSha512>, 1, 0),
                                    JS_FS_END};
constexpr JSFunctionSpec kHmac[] = {JS_FN("md5", hmac<kMd5>, 2, 0), JS_FN("sha1", hmac<kSha1>, 2, 0),
                                    JS_FN("sha256", hmac<kSha256>, 2, 0), JS_FN("sha512", hmac<kSha512>, 2, 0),
                                    JS_FS_END};
constexpr JSFunctionSpec kAes[] = {JS_FN("encrypt", aes<true>, 2, 0), JS_FN("decrypt", aes<false>, 2, 0), JS_FS_END};
}  // namespace

bool define_crypto(JSContext* cx, JS::HandleObject global) {
  return define_namespace(cx, global, "hash", kHash) && define_namespace(cx, global, "hmac", kHmac) &&
         define_namespace(cx, global, "aes", kAes);
}

}  // namespace jl::script

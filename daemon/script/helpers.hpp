#pragma once
// What codec writers find in the global object of a program beside the language (examples/protocols/API.md). All of it
// is safe against any receiver and any arguments: bytes are looked at after all conversions, and copied where scripts
// may run in between.
#include "daemon/script/js.hpp"

#include <string>

namespace jl::script {

/// All of the below but the reader and writer; within a call. False with an exception pending.
bool define_helpers(JSContext* cx, JS::HandleObject global);

/// Takes away what could not be bounded, and bounds what allocates in one step.
bool define_bounds(JSContext* cx, JS::HandleObject global);
/// crc.*, checksum.*
bool define_checksums(JSContext* cx, JS::HandleObject global);
/// hex.*, base64.*, bcd.*, utf8.*, text.*
bool define_texts(JSContext* cx, JS::HandleObject global);
/// hash.*, hmac.*, aes.*
bool define_crypto(JSContext* cx, JS::HandleObject global);
/// cbor.*
bool define_cbor(JSContext* cx, JS::HandleObject global);

/// The constructors Reader and Writer; what their objects inherit from, null with an exception pending.
JSObject* define_reader(JSContext* cx, JS::HandleObject global);
JSObject* define_writer(JSContext* cx, JS::HandleObject global);
/// A Reader of bytes; `options` as its constructor takes them.
bool new_reader(JSContext* cx, JS::HandleValue bytes, JS::HandleValue options, JS::MutableHandleValue reader);

/// Whether `options` are {little: true}.
bool is_little(JSContext* cx, JS::HandleValue options, bool& little);

/// The arguments (digits, n): n bytes of BCD with leading zeros; as many as it takes without n.
bool bcd_argument(JSContext* cx, const JS::CallArgs& args, std::string& bytes);

/// toJSON() of Uint8Arrays.
bool base64_of_this(JSContext* cx, unsigned argc, JS::Value* vp);

}  // namespace jl::script

#include "common/control/command_rows.hpp"
#include "common/control/uploads.hpp"

namespace jl::control {

void add_files(std::vector<Command>& out) {
  Command upload;
  upload.noun = "file", upload.verb = "upload";
  upload.summary = "keep a file by its content, for a resource that will name it by its id";
  upload.description =
      "The body is the file. It is kept while a resource names its id, and for an hour before the first does. With a "
      "sign nothing is kept unless the file has it.";
  upload.method = "POST", upload.path = std::string(kUploadPath), upload.role = Role::operator_;
  upload.upload = true, upload.hidden = true;
  upload.flags = {choice("purpose", {}, "what the file is for"),
                  choice("sign-method", {"md5", "sha256"}, "digest that the sign is; for firmware"),
                  query("sign", "HEX", "what the file's digest must be; for firmware")};
  for (const UploadPurpose& purpose : kUploadPurposes) upload.flags[0].words.emplace_back(purpose.word);
  out.push_back(std::move(upload));

  const auto body = [](std::string name, std::string value, std::string help) {
    return Flag{std::move(name), std::move(value), std::move(help), Where::body};
  };
  Command fetch;
  fetch.noun = "file", fetch.verb = "fetch";
  fetch.summary = "download firmware and keep it by its content, as if it had been uploaded";
  fetch.description =
      "The body is {url, signMethod, sign?, size?}. Answers lines {received, total?} and a last one "
      "{fileId, size, md5, sha256, existed}. Nothing is kept unless the file has the sign and the size.";
  fetch.method = "POST", fetch.path = std::string(kFetchPath), fetch.role = Role::admin;
  fetch.hidden = true;
  fetch.flags = {body("url", "URL", "http or https, of the file"),
                 body("sign-method", "WORD", "digest that the sign is: md5 or sha256"),
                 body("sign", "HEX", "what the file's digest must be"),
                 body("size", "N", "bytes that the file must have; 0 = any")};
  out.push_back(std::move(fetch));
}

}  // namespace jl::control

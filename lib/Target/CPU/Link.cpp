//===- Link.cpp - Objects to a shared object, by lld as a library ---------===//

#include "lowbit/Target/CPU.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Error linkSharedObject(llvm::ArrayRef<std::string> objects,
                             llvm::StringRef path) {
  std::string output = path.str(), messages;
  std::vector<std::string> files;
  auto removeFiles = [&] {
    for (const std::string &file : files)
      llvm::sys::fs::remove(file);
  };
  for (const std::string &object : objects) {
    files.push_back(output + "." + std::to_string(files.size()) + ".o");
    std::error_code error;
    llvm::raw_fd_ostream os(files.back(), error);
    os << object;
    os.close();
    if (error || os.has_error()) {
      os.clear_error();
      removeFiles();
      return failure("cannot write " + files.back() + ": " +
                     (error ? error.message() : os.error().message()));
    }
  }
  std::vector<const char *> arguments = {
      "ld.lld", "-shared",        "--no-undefined", "-z",
      "now",    "--strip-debug",  "--hash-style=gnu", "-z",
      "noexecstack", "--build-id=none", "-o",       output.c_str()};
  for (const std::string &file : files)
    arguments.push_back(file.c_str());
  llvm::raw_string_ostream os(messages);
  const lld::DriverDef drivers[] = {{lld::Gnu, &lld::elf::link}};
  lld::Result result = lld::lldMain(arguments, os, os, drivers);
  removeFiles();
  if (result.retCode != 0)
    return failure("linking failed: " + messages);
  return llvm::Error::success();
}

} // namespace lowbit

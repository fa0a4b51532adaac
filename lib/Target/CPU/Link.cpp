//===- Link.cpp - Objects to a shared object, by lld as a library ---------===//

#include "lowbit/Target/CPU.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// A module imports three functions of the C library and nothing else: what
/// else is undefined is a call that the compiler did not mean to emit.
static llvm::Error checkImports(llvm::StringRef object,
                                llvm::StringSet<> &defined,
                                llvm::StringSet<> &undefined) {
  auto file = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(object, "object"));
  if (!file)
    return file.takeError();
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name || name->empty()) {
      llvm::consumeError(flags.takeError());
      llvm::consumeError(name.takeError());
      continue;
    }
    bool isUndefined = *flags & llvm::object::SymbolRef::SF_Undefined;
    (isUndefined ? undefined : defined).insert(*name);
  }
  return llvm::Error::success();
}

static llvm::Error checkImports(llvm::ArrayRef<std::string> objects) {
  llvm::StringSet<> defined = {"memcpy", "memmove", "memset",
                               "_GLOBAL_OFFSET_TABLE_"};
  llvm::StringSet<> undefined;
  for (const std::string &object : objects)
    if (llvm::Error error = checkImports(object, defined, undefined))
      return error;
  for (const auto &entry : undefined)
    if (!defined.contains(entry.getKey()))
      return failure("generated code calls '" + entry.getKey() +
                     "', which no host provides");
  return llvm::Error::success();
}

llvm::Error linkSharedObject(llvm::ArrayRef<std::string> objects,
                             llvm::StringRef path) {
  if (llvm::Error error = checkImports(objects))
    return error;
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
      std::string reason = (error ? error : os.error()).message();
      os.clear_error();
      removeFiles();
      return failure("cannot write " + files.back() + ": " + reason);
    }
  }
  std::vector<const char *> arguments = {
      "ld.lld",      "-shared",           "-z", "now",
      "--strip-debug", "--hash-style=gnu", "-z", "noexecstack",
      "--build-id=none", "-o",             output.c_str()};
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

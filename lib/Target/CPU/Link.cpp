//===- Link.cpp - Objects to one, by lld as a library ---------------------===//

#include "lowbit/Target/CPU.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
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

static llvm::Error writeFile(const std::string &path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream os(path, error);
  os << bytes;
  os.close();
  if (!error && !os.has_error())
    return llvm::Error::success();
  std::string reason = (error ? error : os.error()).message();
  os.clear_error();
  return failure("cannot write " + path + ": " + reason);
}

/// Runs lld on objects, which it wants as files.
static llvm::Error link(llvm::ArrayRef<std::string> objects,
                        llvm::StringRef path,
                        llvm::ArrayRef<const char *> options) {
  if (llvm::Error error = checkImports(objects))
    return error;
  std::string output = path.str(), messages;
  std::vector<std::string> files;
  llvm::scope_exit removeFiles([&] {
    for (const std::string &file : files)
      llvm::sys::fs::remove(file);
  });
  std::vector<const char *> arguments = {"ld.lld"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  for (const std::string &object : objects) {
    files.push_back(output + "." + std::to_string(files.size()) + ".o");
    if (llvm::Error error = writeFile(files.back(), object))
      return error;
  }
  arguments.insert(arguments.end(), {"--strip-debug", "-o", output.c_str()});
  for (const std::string &file : files)
    arguments.push_back(file.c_str());
  llvm::raw_string_ostream os(messages);
  const lld::DriverDef drivers[] = {{lld::Gnu, &lld::elf::link}};
  lld::Result result = lld::lldMain(arguments, os, os, drivers);
  if (result.retCode != 0)
    return failure("linking failed: " + messages);
  return llvm::Error::success();
}

llvm::Error linkSharedObject(llvm::ArrayRef<std::string> objects,
                             llvm::StringRef path) {
  return link(objects, path,
              {"-shared", "-z", "now", "--hash-style=gnu", "-z", "noexecstack",
               "--build-id=none"});
}

llvm::Error linkObject(llvm::ArrayRef<std::string> objects,
                       llvm::StringRef path) {
  return link(objects, path, {"-r"});
}

} // namespace lowbit

//===- ConfigReader.h - Checked keys of config.json -------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_CONFIGREADER_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_CONFIGREADER_H

#include "Config.h"

#include "llvm/ADT/Twine.h"

namespace lowbit::huggingface {

/// Larger sizes are mistakes; the product of any two fits into 64 bits.
constexpr int64_t kLargestSize = int64_t(1) << 28;

/// Keys of an object, and of its defaults where it lacks them. The first
/// problem is kept and reading goes on with harmless values, so that only the
/// end has to look.
class ConfigReader {
public:
  ConfigReader(const llvm::json::Object &object, llvm::json::Object defaults,
               Config &config, KeyValueSource &source)
      : object(object), defaults(std::move(defaults)), config(config),
        source(source) {}

  void fail(const llvm::Twine &message) {
    if (problem.empty())
      problem = message.str();
  }
  bool failed() const { return !problem.empty(); }
  const std::string &message() const { return problem; }

  /// The value in the file, else the default; nullptr where it is null.
  const llvm::json::Value *find(llvm::StringRef key) const;

  int64_t size(llvm::StringRef key,
               std::optional<int64_t> absent = std::nullopt,
               int64_t most = kLargestSize);
  double real(llvm::StringRef key, double absent);
  bool flag(llvm::StringRef key, bool absent);
  /// "" where it is absent.
  llvm::StringRef text(llvm::StringRef key);
  const llvm::json::Object *child(llvm::StringRef key);

  /// Sets ARCHITECTURE.`name`, and remembers that `key` says so.
  void set(llvm::StringRef name, KeyValueSource::Value value,
           llvm::StringRef key);

  const llvm::json::Object &object;
  const llvm::json::Object defaults;
  Config &config;
  KeyValueSource &source;

private:
  std::string problem;
};

/// The numbers of one object inside, `where` its key, for messages.
class ScopedReader {
public:
  ScopedReader(ConfigReader &reader, const llvm::json::Object *object,
               llvm::StringRef where)
      : reader(reader), object(object), where(where) {}

  bool has(llvm::StringRef key) const;
  double real(llvm::StringRef key, std::optional<double> absent = std::nullopt);
  std::vector<float> reals(llvm::StringRef key);
  llvm::StringRef text(llvm::StringRef key) const;
  std::string name(llvm::StringRef key) const {
    return (where + "." + key).str();
  }

  ConfigReader &reader;

private:
  const llvm::json::Object *object; ///< may be null
  std::string where;
};

/// Sets what lm.rope_table needs; the context shrinks to what the frequencies
/// are right for.
void readRope(ConfigReader &reader, int64_t headDim, int64_t &context);

/// The keys of an encoder: sizes, positions, classes.
void readEncoder(ConfigReader &reader);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_CONFIGREADER_H

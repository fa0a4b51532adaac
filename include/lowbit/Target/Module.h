//===- Module.h - Writes a module file --------------------------*- C++ -*-===//

#ifndef LOWBIT_TARGET_MODULE_H
#define LOWBIT_TARGET_MODULE_H

#include "lowbit/Analysis/TargetInfo.h"
#include "lowbit/Support/Scheme.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include "quantrt/format.h"

#include <functional>
#include <string>
#include <vector>

namespace lowbit {

/// A weight as the module will hold it.
struct WeightImage {
  std::string name, sourceType;
  Scheme scheme;
  int64_t rows = 1, columns = 0;
  int64_t unit = 0;          ///< of its PanelLayout
  bool isVector = false;     ///< [columns] f32, not packed
  std::vector<int32_t> indices; ///< of a vector: these i32 in place of f32
  uint32_t use = 0;          ///< QRT_WEIGHT_*
  uint64_t sourceBytes = 0;
  /// Takes row `row` apart (or, for a vector, gives its reals).
  std::function<void(int64_t row, RowFields &fields)> readRow;

  uint64_t bytes() const; ///< packed
};

/// The bytes of a weight as a module holds them, 64 zero ones behind.
std::string packWeight(const WeightImage &weight);

struct ArgumentImage {
  std::string name;
  uint32_t type = 0; ///< QRT_TYPE_*
  std::vector<int64_t> shape;
};

struct FunctionImage {
  std::string name;
  uint32_t kind = 0; ///< QRT_FUNCTION_*
  std::vector<ArgumentImage> inputs, outputs;
  uint64_t scratchBytes = 0, privateBytes = 0;
};

/// As qrt_region_record.
struct RegionImage {
  std::string name;
  uint32_t function = 0, kernels = 0, flags = 0;
  uint64_t weightBytes = 0, rowWeightBytes = 0, rowBytes = 0, rowMacs = 0,
           kvBytesPerPosition = 0;
};

struct ModuleImage {
  std::vector<const TargetInfo *> levels;
  std::vector<FunctionImage> functions;
  std::vector<WeightImage> weights;
  std::vector<RegionImage> regions; ///< of a profile
  qrt_text_record text = {};
  std::string metadata; ///< u64 count and pairs, as in GGUF
  std::string producer;
  /// Weights stay a hole in the file: whoever runs the module binds its own
  /// (qrt_bind_weight), and loads it without verifying.
  bool unbound = false;
};

/// Called now and then with the bytes of weights written and their total.
using Progress = llvm::function_ref<void(uint64_t done, uint64_t total)>;

/// Writes `path` from linked code and an image: code, section headers, header,
/// weights packed tensor by tensor. To a temporary file, synced and renamed;
/// nothing is left behind on failure.
llvm::Error writeModule(llvm::StringRef codePath, const ModuleImage &image,
                        llvm::StringRef path, Progress progress);

//===- Modules inside of programs -----------------------------------------===//

/// Sections that compileStaticModule declares and writeObject fills.
constexpr const char *kStaticHeaderSection = ".lrodata.qrt.header";
constexpr const char *kStaticWeightsSection = ".lrodata.qrt.weights";

struct StaticSizes {
  uint64_t headerBytes, weightsBytes;
};
StaticSizes staticSizes(const ModuleImage &image);

/// Writes `path` from what linkObject has made, as writeModule does: one
/// relocatable object that holds a whole module.
llvm::Error writeObject(llvm::StringRef objectPath, const ModuleImage &image,
                        llvm::StringRef path, Progress progress);

} // namespace lowbit

#endif // LOWBIT_TARGET_MODULE_H

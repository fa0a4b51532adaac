//===- Recipe.h - How to quantize a model -----------------------*- C++ -*-===//
//
// A recipe says for every matrix which scheme it gets and which algorithm
// chooses the codes, and what text calibrates. It is a YAML file:
//
//   tensors:                      # the first rule that matches a whole name
//     - match: blk\..*\.ffn_down\.weight
//       scheme: Q6_K              # as --scheme takes it; keep: as it is
//       algorithm: gptq           # nearest, search, gptq, hqq
//       low-rank: 16              # a correction of that rank beside it
//     - match: .*
//       scheme: u4 offset 8, group 32 scale f16
//       algorithm: gptq
//   rotate: blk\..*              # rotate the inputs of these weights
//   scale: awq                    # or smoothquant; in place of rotate
//   alpha: 0.5                    # of smoothquant
//   activations: int8             # as --activations takes it
//   kv: q4                        # as --kv takes it
//   rotate-heads: true            # keys and values are stored rotated
//   importance: imatrix.gguf      # weighs columns for search
//   calibration:
//     text: calibration.txt       # relative to the recipe
//     sequences: 128
//     length: 512                 # tokens of each
//     seed: 1
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CALIBRATION_RECIPE_H
#define LOWBIT_CALIBRATION_RECIPE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace lowbit {

/// Who chooses codes and fields.
enum class Algorithm {
  Nearest, ///< roundToNearest of each row alone
  Search,  ///< the same, searching fields for the least error, weighted by the
           ///< activations if there is a text
  GPTQ,    ///< codes one column after another, errors passed on
  HQQ      ///< half-quadratic: outliers count for less
};

/// As recipes have it: "gptq".
llvm::StringRef wordOf(Algorithm algorithm);

/// Who chooses factors between layers and their inputs (lm-scale-inputs).
enum class Scaling { None, AWQ, SmoothQuant };

struct TensorRule {
  std::string match;  ///< regular expression of whole names
  std::string scheme; ///< a type of GGUF, words of a scheme, or "keep"
  Algorithm algorithm = Algorithm::Nearest;
  bool isOptional = false; ///< nothing need match
  /// A matrix whose columns the type's block does not divide gets another one:
  /// see fittingType.
  bool fallsBack = false;
  int64_t lowRank = 0; ///< of a correction beside the matrix; 0: none
};

struct CalibrationText {
  std::string path;
  int64_t sequences = 128;
  int64_t length = 512; ///< tokens
  uint64_t seed = 1;    ///< which parts of the text
};

struct Recipe {
  std::string name; ///< for people: the file, or the built-in word
  std::vector<TensorRule> tensors;
  std::string rotate; ///< inputs of which weights; "": none
  Scaling scale = Scaling::None;
  double alpha = 0.5;      ///< of SmoothQuant
  std::string activations; ///< "": as the command line says
  std::string kv;          ///< the same
  bool rotateHeads = false;
  std::string importance;  ///< an imatrix file that weighs search's columns
  CalibrationText calibration;

  /// Something looks at activations: a text is needed, or of use.
  bool needsData() const;
  /// A matrix of this rule looks at what it is multiplied with.
  bool observes(const TensorRule &rule) const;
};

/// What decides about the types of a mixture.
struct ModelShape {
  ModelShape(int64_t layers, int64_t queriesForKey = 1, bool tied = true)
      : layers(layers), queriesForKey(queriesForKey), tied(tied) {}

  int64_t layers;
  int64_t queriesForKey; ///< query heads that share one of keys
  bool tied;             ///< the embedding is the head, too
};

/// Reads a YAML file. An error names file and line.
llvm::Expected<Recipe> readRecipe(llvm::StringRef path);

/// The built-in recipe of that name for a model of that shape, or why there is
/// none: types of GGUF ("Q4_0": everything in it), the mixtures of
/// llama-quantize ("Q4_K_M"), and presets of compressed-tensors ("W4A16").
/// `pure`: a mixture's most frequent type for every matrix.
llvm::Expected<Recipe>
builtinRecipe(llvm::StringRef name, const ModelShape &shape, bool pure = false);

/// What llama-quantize gives a matrix whose columns the type's block does not
/// divide: `type` itself where it does, or where it is no type of GGUF.
std::string fittingType(llvm::StringRef type, int64_t columns);

} // namespace lowbit

#endif // LOWBIT_CALIBRATION_RECIPE_H

//===- WeightScales.h - Scales beside weights of a GGUF file ----*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_WEIGHTSCALES_H
#define LOWBIT_LIB_IMPORT_WEIGHTSCALES_H

#include "lowbit/Import/ModelSource.h"

#include <list>

namespace lowbit {

/// BitNet and NVFP4 may have a number NAME.scale beside the matrix NAME.weight,
/// which llama.cpp multiplies the layer's output with. It becomes the scale of
/// the whole tensor in the matrix's scheme, and NAME.scale is taken out of
/// `tensors`. `formats` must outlive the tensors. The error names the tensor
/// and begins with `path`.
llvm::Error foldWeightScales(std::vector<SourceTensor> &tensors,
                             std::list<BitFormat> &formats,
                             llvm::StringRef path);

} // namespace lowbit

#endif // LOWBIT_LIB_IMPORT_WEIGHTSCALES_H

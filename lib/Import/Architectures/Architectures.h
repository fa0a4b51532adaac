//===- Architectures.h - The model families we know -------------*- C++ -*-===//

#ifndef LOWBIT_IMPORT_ARCHITECTURES_ARCHITECTURES_H
#define LOWBIT_IMPORT_ARCHITECTURES_ARCHITECTURES_H

#include "lib/Import/Architectures/GraphBuilder.h"

namespace lowbit {

/// Each builds the whole function `text`, from embed to head.
void buildLlama(GraphBuilder &graph);
void buildQwen2(GraphBuilder &graph);
void buildQwen3(GraphBuilder &graph);
void buildGemma3(GraphBuilder &graph);
void buildSmolLM3(GraphBuilder &graph);
void buildPhi3(GraphBuilder &graph);
void buildBitNet(GraphBuilder &graph);
void buildBert(GraphBuilder &graph);

/// What an encoder gives: classes where it has a classifier.
TextResult bertResult(const ModelSource &source, const HyperParameters &hp);

} // namespace lowbit

#endif // LOWBIT_IMPORT_ARCHITECTURES_ARCHITECTURES_H

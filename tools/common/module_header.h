//===- module_header.h - What a module says about its weights ---*- C++ -*-===//
//
// The C interface runs models and does not list weights; tools that report on
// them read the header of the file (quantrt/format.h) themselves.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_COMMON_MODULE_HEADER_H
#define TOOLS_COMMON_MODULE_HEADER_H

#include "quantrt/format.h"
#include "tools/common/error.h"
#include "tools/common/files.h"

#include <string>
#include <vector>

namespace lowbit::tools {

struct ModuleHeader {
  struct Weight {
    std::string name, scheme, sourceType;
    uint64_t packedBytes, sourceBytes, rows, columns;
    bool streamed, gathered;
    uint64_t offset = 0; ///< of the packed bytes, in the file
  };
  /// As qrt_region_record.
  struct Region {
    std::string name;
    uint32_t function;
    bool isOut;
    uint64_t weightBytes, rowWeightBytes, rowBytes, rowMacs, kvBytesPerPosition;
  };
  qrt_text_record text; ///< all zero where the module has no text model
  std::vector<Weight> weights;
  std::vector<Region> regions; ///< of a profile

  /// The source type that most bytes are in: "Q4_1".
  std::string mainSourceType() const;
  /// A weight of that type, or nullptr if there is none.
  const Weight *mainWeight() const;
};

/// Reads the header of a module that the runtime has already checked; refuses
/// all the same what would lead outside the file.
Error readModuleHeader(const std::string &path, ModuleHeader &header);

/// The packed bytes of a module's weights, read in pieces.
class WeightReader {
public:
  Error open(const std::string &path);
  /// `bytes` bytes of a weight from its byte `offset` on.
  Error read(const ModuleHeader::Weight &weight, uint64_t offset,
             uint64_t bytes, void *out) const;

private:
  std::string path_;
  FileDescriptor file_;
};

/// Bytes that one token needs, on average over a test.
struct Traffic {
  double source = 0; ///< weights as in the source, and the KV store
  double packed = 0; ///< weights as packed, and the KV store
  double kv = 0;     ///< the part of the KV store
};

/// Traffic of `tokens` positions behind `depth` that are in the KV store
/// already, appended `rowsPerCall` at a time: a call reads the streamed weights
/// once, a row of each gathered one for each token, and the KV store up to its
/// last position. `sequences` do this at once: the weights are read for all of
/// them together.
Traffic trafficPerToken(const ModuleHeader &header, int64_t tokens,
                        int64_t rowsPerCall, int64_t sequences = 1,
                        int64_t depth = 0);

} // namespace lowbit::tools

#endif // TOOLS_COMMON_MODULE_HEADER_H

//===- sensitivity.h - Which layers suffer ----------------------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_SENSITIVITY_H
#define TOOLS_QUANTREPORT_SENSITIVITY_H

#include "tools/common/json.h"

namespace lowbit::tools::report {

/// Of the variant nearest to 4 bits, for each layer
///
///   output_error = e_l - e_{l-1},  e_l = 10^(-SQNR of its output / 10):
///
/// what the layer adds to the relative squared error of what flows between
/// layers; 0 where it adds nothing. The largest first:
/// [{"tensor": "blk.3", "output_error": ..., "variant": "int4"}].
Json rankLayers(const Json &variants);

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_SENSITIVITY_H

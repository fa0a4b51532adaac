//===- RtDialect.td - What the module asks of its host ----*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_RT_IR_RTDIALECT_TD
#define LOWBIT_DIALECTS_RT_IR_RTDIALECT_TD

include "mlir/IR/DialectBase.td"

def Rt_Dialect : Dialect {
  let name = "rt";
  let cppNamespace = "::lowbit::rt";
  let summary = "What the module asks of its host.";
  let description = [{
    One to one with runtime/include/quantrt/abi.h: each op reads a field of the
    frame that an entry point receives, or calls a function of the host.

    | op             | abi.h                                         |
    |----------------|-----------------------------------------------|
    | `rt.weight`    | `qrt_frame.weights[i]`                        |
    | `rt.scratch`   | `qrt_frame.scratch + offset`                  |
    | `rt.argument`  | `qrt_frame.arguments[i]`                      |
    | `rt.text`      | a pointer of `qrt_frame.text`                 |
    | `rt.text_size` | a count of `qrt_frame.text`                   |
    | `rt.run`       | `qrt_frame.text->runs[i]`                     |
    | `rt.barrier`   | `qrt_frame.host->barrier`                     |

    An entry point runs on every worker at once (one program, many workers):
    work is split by the worker's number, and a barrier separates a kernel from
    those whose results it reads. That is one dispatch for a token instead of one
    for each region (docs/Architecture.md, "Threads").
  }];
  let useDefaultTypePrinterParser = 1;
}

#endif // LOWBIT_DIALECTS_RT_IR_RTDIALECT_TD

//===- RtOps.td - Requests to the host --------------------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_RT_IR_RTOPS_TD
#define LOWBIT_DIALECTS_RT_IR_RTOPS_TD

include "dialects/Rt/IR/RtDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypes.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Rt_FrameType : TypeDef<Rt_Dialect, "Frame"> {
  let mnemonic = "frame";
  let summary = "The host's `qrt_frame`";
  let description = [{
    The pointer that an entry point receives.

    Example: `!rt.frame`
  }];
}

class Rt_Op<string mnemonic, list<Trait> traits = []>
    : Op<Rt_Dialect, mnemonic, traits>;

def Rt_StaticMemRef : StaticShapeMemRefOf<[AnyType]>;
/// An index into a table of the frame, or an offset in bytes.
def Rt_Index : ConfinedAttr<I64Attr, [IntNonNegative]>;

def Rt_WeightOp : Rt_Op<"weight", [Pure]> {
  let summary = "Address of a weight";
  let description = [{
    Weight `index` of the module's table.

    Example:

    ```mlir
    %w = rt.weight %frame[3] : memref<36x5760xi8>
    ```
  }];
  let arguments = (ins Rt_FrameType:$frame, Rt_Index:$index);
  let results = (outs Rt_StaticMemRef:$result);
  let assemblyFormat = "$frame `[` $index `]` attr-dict `:` type($result)";
}

def Rt_ScratchOp : Rt_Op<"scratch", [Pure]> {
  let summary = "A place in the arena";
  let description = [{
    `offset` bytes behind the start of the arena's shared part or, with
    `worker`, of that worker's private part. The offsets and the sizes of both
    parts come from `rt-plan-scratch`.

    Example:

    ```mlir
    %x = rt.scratch %frame[4096] : memref<256x576xf32>
    %y = rt.scratch %frame[0] private %worker : memref<1x576xf32>
    ```
  }];
  let arguments = (ins Rt_FrameType:$frame, Rt_Index:$offset,
                       Optional<Index>:$worker);
  let results = (outs Rt_StaticMemRef:$result);
  let assemblyFormat = [{
    $frame `[` $offset `]` (`private` $worker^)? attr-dict `:` type($result)
  }];
}

def Rt_ArgumentOp : Rt_Op<"argument", [Pure]> {
  let summary = "An argument of a plain function";
  let description = [{
    Argument `index`: inputs first, then outputs.

    Example:

    ```mlir
    %x = rt.argument %frame[0] : memref<1x784xf32>
    ```
  }];
  let arguments = (ins Rt_FrameType:$frame, Rt_Index:$index);
  let results = (outs Rt_StaticMemRef:$result);
  let assemblyFormat = "$frame `[` $index `]` attr-dict `:` type($result)";
}

def Rt_TextOp : Rt_Op<"text", [Pure]> {
  let summary = "A pointer of the batch";
  let description = [{
    Field `field` of `qrt_text`: tokens, embeddings, positions, visible_end,
    out_rows, out_first, token_types, logits, probes or kv.

    Constraints:
    - (C1) `field` is one of them.

    Example:

    ```mlir
    %tokens = rt.text %frame "tokens" : memref<256xi32>
    ```
  }];
  let arguments = (ins Rt_FrameType:$frame, StrAttr:$field);
  let results = (outs Rt_StaticMemRef:$result);
  let assemblyFormat = "$frame $field attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Rt_TextSizeOp : Rt_Op<"text_size", [Pure]> {
  let summary = "A count of the batch";
  let description = [{
    Field `field` of `qrt_text`: rows, n_runs or n_out.

    Constraints:
    - (C1) `field` is one of them.

    Example:

    ```mlir
    %rows = rt.text_size %frame "rows"
    ```
  }];
  let arguments = (ins Rt_FrameType:$frame, StrAttr:$field);
  let results = (outs Index:$result);
  let assemblyFormat = "$frame $field attr-dict";
  let hasVerifier = 1;
}

def Rt_RunOp : Rt_Op<"run", [Pure]> {
  let summary = "One sequence of the batch";
  let description = [{
    Entry `index` of `qrt_text.runs`.

    Example:

    ```mlir
    %first, %count, %kv_length, %pages = rt.run %frame, %i : memref<1073741824xi32>
    ```
  }];
  let arguments = (ins Rt_FrameType:$frame, Index:$index);
  let results = (outs Index:$first, Index:$count, Index:$kv_length,
                      Rt_StaticMemRef:$pages);
  let assemblyFormat = "$frame `,` $index attr-dict `:` type($pages)";
}

def Rt_BarrierOp : Rt_Op<"barrier"> {
  let summary = "Wait for every worker";
  let description = [{
    What any worker wrote before is visible to all after.

    Example:

    ```mlir
    rt.barrier %frame, %worker
    ```
  }];
  let arguments = (ins Rt_FrameType:$frame, Index:$worker);
  let assemblyFormat = "$frame `,` $worker attr-dict";
}

def Rt_MarkOp : Rt_Op<"mark"> {
  let summary = "The end of a region whose time is counted";
  let description = [{
    The worker's time since its last mark went to entry `region` of the module's
    table of regions. Stands behind kernels and barriers of modules compiled
    with `--profile`, and nowhere else.

    Example:

    ```mlir
    rt.mark %frame[2], %worker
    ```
  }];
  let arguments = (ins Rt_FrameType:$frame, Rt_Index:$region, Index:$worker);
  let assemblyFormat = "$frame `[` $region `]` `,` $worker attr-dict";
}

#endif // LOWBIT_DIALECTS_RT_IR_RTOPS_TD

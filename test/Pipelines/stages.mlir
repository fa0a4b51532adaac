// A module stops behind any stage and goes on from there: what comes out is the
// same as in one go.

// RUN: quant-compile %s --stop-after=import | FileCheck %s --check-prefix=IMPORT
// RUN: quant-compile %s --stop-after=quantize | FileCheck %s --check-prefix=QUANTIZE
// RUN: quant-compile %s --stop-after=pack | FileCheck %s --check-prefix=PACK
// RUN: quant-compile %s --stop-after=loops --target-cpu=avx2 | FileCheck %s --check-prefix=LOOPS
// RUN: quant-compile %s --stop-after=target --target-cpu=avx2 | FileCheck %s --check-prefix=TARGET
// RUN: quant-compile %s --emit=llvm --target-cpu=avx2 -o - | FileCheck %s --check-prefix=LLVM
// RUN: quant-compile %s --emit=asm --target-cpu=avx2 -o - | FileCheck %s --check-prefix=ASM

// RUN: quant-compile %s --stop-after=quantize -o %t.quantize.mlir
// RUN: quant-compile %s --stop-after=pack -o %t.pack.mlir
// RUN: quant-compile %t.quantize.mlir --stop-after=pack | diff %t.pack.mlir -

// The pipelines of quant-opt are the same passes.
// RUN: quant-opt %t.quantize.mlir --pack-pipeline | diff %t.pack.mlir -
// RUN: quant-opt %t.pack.mlir --loops-pipeline=level=avx2 -o %t.loops.mlir
// RUN: quant-compile %s --stop-after=loops --target-cpu=avx2 | diff %t.loops.mlir -
// RUN: quant-opt %t.loops.mlir --target-pipeline=level=avx2 -o %t.target.mlir
// RUN: quant-compile %s --stop-after=target --target-cpu=avx2 | diff %t.target.mlir -

// A stage that a module is said to have reached may hold no op of an earlier one.
// RUN: not quant-compile %s --start-from=pack --stop-after=loops 2>&1 | FileCheck %s --check-prefix=EARLY
// EARLY: error:

#s = #lowbit.scheme<u4, group 32 scale f16 min f16>

// IMPORT: lowbit.quantize %{{.*}} -> <20x64
// IMPORT: lm.linear
// QUANTIZE: lowbit.quantize %arg0 : tensor<3x64xf32>
// QUANTIZE: lm.weight "constant.0" : !lowbit.tensor<20x64
// QUANTIZE: lowbit.linear
// QUANTIZE-NOT: lm.linear
// PACK: pack.weight "constant.0"
// PACK: pack.pack_rows
// PACK: pack.linear
// PACK-NOT: lowbit.linear
// LOOPS: module attributes
// LOOPS-SAME: rt.functions = {layer = array<i64
// LOOPS-SAME: rt.weights = ["constant.0", "constant.1"]
// LOOPS: rt.barrier
// LOOPS: pack.dot4
// LOOPS-NOT: tensor<
// TARGET: llvm.func @layer(%{{.*}}: !llvm.ptr, %{{.*}}: i32, %{{.*}}: i32)
// TARGET-NOT: rt.
// LLVM: define hidden void @qrt.avx2.layer(ptr {{.*}}, i32 {{.*}}, i32 {{.*}})
// ASM: vpmaddubsw
func.func @layer(%x: tensor<3x64xf32>) -> tensor<3x20xf32> {
  %w = arith.constant dense<0.5> : tensor<20x64xf32>
  %b = arith.constant dense<1.0> : tensor<20xf32>
  %q = lowbit.quantize %w : tensor<20x64xf32> -> !lowbit.tensor<20x64, #s>
  %y = lm.linear %x, %q bias %b : tensor<3x64xf32>, !lowbit.tensor<20x64, #s>, tensor<20xf32> -> tensor<3x20xf32>
  return %y : tensor<3x20xf32>
}

// RUN: quant-opt %s --outline-kernels=level=avx512vnni | FileCheck %s
// RUN: quant-opt %s --outline-kernels=level=avx2 | FileCheck %s --check-prefix=OTHER
// RUN: sed s/tile=4x3/tile=0x3/ %s | not quant-opt --outline-kernels=level=avx512vnni 2>&1 | FileCheck %s --check-prefix=BAD

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
!panels = !pack.panels<64x64, #q4, #pack.layout<lanes = 16, unit = 1>>
!rows = !pack.rows<64, bits = 8, group = 32, scale_groups = 1>

// A tuning file's words override the cost model: codes are unpacked, into memory
// of the kernel's own; of one level and one kind of product.

// BAD: error: 'func.func' op tuning for avx512vnni, u4 offset 8, group 32 scale f16; int8; 64: 'tile=0x3' is no choice for this product

module attributes {rt.tuning = {avx512vnni = {
    "u4 offset 8, group 32 scale f16; int8; 64" = "tile=4x3 unpack=1 block=0"}}} {
// CHECK: call @linear.1(%{{[^)]*}}) : (!rt.frame, index, index, index, memref<40x192xi8>, memref<4x576xi8>, memref<1x{{[0-9]+}}xi8>, memref<40x64xf32>)
// OTHER: call @linear.1(%{{[^)]*}}) : (!rt.frame, index, index, index, memref<40x192xi8>, memref<4x576xi8>, memref<40x64xf32>)
func.func @f(%x: tensor<40x64xf32>) -> tensor<40x64xf32> {
  %a = pack.weight "a" : !panels
  %r = pack.pack_rows %x : tensor<40x64xf32> -> !rows
  %y = pack.linear %r, %a : !rows, !panels -> tensor<40x64xf32>
  return %y : tensor<40x64xf32>
}
}

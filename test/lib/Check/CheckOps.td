//===- CheckOps.td - Values and expectations of tests -----*- tablegen -*-===//

#ifndef LOWBIT_TEST_LIB_CHECK_CHECKOPS_TD
#define LOWBIT_TEST_LIB_CHECK_CHECKOPS_TD

include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/OpBase.td"

def Check_Dialect : Dialect {
  let name = "check";
  let cppNamespace = "::lowbit::check";
  let summary = "Values and expectations of the reference evaluator's tests.";
  let description = [{
    Only `quant-reference-test` knows it. A test is a program without arguments
    that makes its values, computes, and says what it expects.
  }];
}

class Check_Op<string mnemonic, list<Trait> traits = []>
    : Op<Check_Dialect, mnemonic, traits>;

def Check_ExpectEqOp : Check_Op<"expect_eq", [AllTypesMatch<["value", "expected"]>]> {
  let summary = "Every element is the expected one";
  let description = [{
    Example:

    ```mlir
    check.expect_eq %y, dense<[[1.0, 2.0]]> : tensor<1x2xf32>
    ```
  }];
  let arguments = (ins AnyType:$value, TypedAttrInterface:$expected);
  let assemblyFormat = "$value `,` $expected attr-dict";
}

def Check_ExpectCloseOp : Check_Op<"expect_close", [AllTypesMatch<["value", "expected"]>]> {
  let summary = "Every element is near the expected one";
  let description = [{
    Within `within * max(1, |expected|)`.

    Example:

    ```mlir
    check.expect_close %y, dense<[[0.7310586]]> : tensor<1x1xf32> within 1.0e-7
    ```
  }];
  let arguments = (ins AnyType:$value, TypedAttrInterface:$expected,
                       F64Attr:$within);
  let assemblyFormat = "$value `,` $expected `within` $within attr-dict";
}

def Check_ExpectCodesOp : Check_Op<"expect_codes"> {
  let summary = "What the codes of a low-bit matrix stand for";
  let description = [{
    c of every element, before any scale.

    Example:

    ```mlir
    check.expect_codes %q, dense<[[127, -64]]> : tensor<1x2xi32> of !q
    ```
  }];
  let arguments = (ins AnyType:$value, ElementsAttr:$expected);
  let assemblyFormat = "$value `,` $expected attr-dict `of` type($value)";
}

def Check_ExpectFieldOp : Check_Op<"expect_field"> {
  let summary = "One field of every group of a low-bit matrix";
  let description = [{
    Component `component` of level `level`, [rows][groups].

    Example:

    ```mlir
    check.expect_field %q[0, 0], dense<[[0.5]]> : tensor<1x1xf32> of !q
    ```
  }];
  let arguments = (ins AnyType:$value, I64Attr:$level, I64Attr:$component,
                       ElementsAttr:$expected);
  let assemblyFormat = [{
    $value `[` $level `,` $component `]` `,` $expected attr-dict
    `of` type($value)
  }];
}

def Check_LowBitsOp : Check_Op<"low_bits"> {
  let summary = "A low-bit matrix from its codes and fields";
  let description = [{
    `codes` are raw codes [rows][columns], of vectors [rows][vectors]; `signs`
    [rows][columns] where the scheme has them; `fields` the values of the
    components (of a delta its bit), outermost level first, [rows][groups] each,
    and exact in their types.

    Example:

    ```mlir
    %w = check.low_bits dense<[[0, 15]]> : tensor<1x2xi32>, [dense<0.5> : tensor<1x1xf32>]
       : !lowbit.tensor<1x2, #lowbit.scheme<u4 offset 8, row scale f16>>
    ```
  }];
  let arguments = (ins ElementsAttr:$codes, OptionalAttr<ElementsAttr>:$signs,
                       ArrayAttr:$fields);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $codes (`signs` $signs^)? `,` $fields attr-dict `:` type($result)
  }];
}

def Check_StoreOp : Check_Op<"store"> {
  let summary = "A key/value store for a batch";
  let description = [{
    Run i has `counts[i]` rows; row t sees `visible_end[t]` positions. Without an
    operand the store is empty, with one it has that one's positions.

    Example:

    ```mlir
    %kv = check.store runs [2, 1] visible [1, 2, 1]
        : !lm.kv<layers = 1, heads = 1, dim = 2, element = f32>
    ```
  }];
  let arguments = (ins Optional<AnyType>:$before, DenseI64ArrayAttr:$counts,
                       DenseI32ArrayAttr:$visible_end);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    (`after` $before^ `:` type($before))? `runs` $counts `visible` $visible_end
    attr-dict `:` type($result)
  }];
}

#endif // LOWBIT_TEST_LIB_CHECK_CHECKOPS_TD

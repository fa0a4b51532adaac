//===- EmitHeader.cpp - C prototypes of a module's functions --------------===//

#include "EmitHeader.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

namespace lowbit {

static const char *typeWord(uint32_t type) {
  switch (type) {
  case QRT_TYPE_F32:
    return "float";
  case QRT_TYPE_I8:
    return "int8_t";
  case QRT_TYPE_I32:
    return "int32_t";
  case QRT_TYPE_I64:
    return "int64_t";
  default:
    return "uint16_t"; // the bits of an f16 or bf16
  }
}

/// A name that C accepts.
static std::string identifier(llvm::StringRef name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result[0]))
    result = "_" + result;
  return result;
}

static std::string parameter(const ArgumentImage &argument, bool isConst) {
  std::string text = isConst ? "const " : "";
  text += std::string(typeWord(argument.type)) + " *" + argument.name + " /* [";
  for (size_t i = 0; i < argument.shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(argument.shape[i]);
  return text + "] */";
}

static std::string prototype(const FunctionImage &function) {
  std::string parameters = "qrt_model *model", list;
  for (const ArgumentImage &input : function.inputs) {
    parameters += ",\n    " + parameter(input, true);
    list += "(void *)" + input.name + ", ";
  }
  for (const ArgumentImage &output : function.outputs) {
    parameters += ",\n    " + parameter(output, false);
    list += output.name + ", ";
  }
  return "static inline qrt_status " + identifier(function.name) + "(\n    " +
         parameters + ") {\n  void *arguments[] = {" + list +
         "0};\n  return qrt_call(model, qrt_function_find(model, \"" +
         function.name + "\"), arguments);\n}\n";
}

std::string headerText(const ModuleImage &image, llvm::StringRef path) {
  std::string guard =
      llvm::StringRef(identifier(llvm::sys::path::filename(path))).upper();
  std::string text = "/* Functions of a LowBit module; tensors are row-major. "
                     "Written by quant-compile. */\n#ifndef " +
                     guard + "\n#define " + guard +
                     "\n\n#include <quantrt/quantrt.h>\n";
  for (const FunctionImage &function : image.functions)
    if (function.kind == QRT_FUNCTION_PLAIN)
      text += "\n" + prototype(function);
  return text + "\n#endif\n";
}

} // namespace lowbit

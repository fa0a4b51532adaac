//===- EmitHeader.cpp - C prototypes of a module's functions --------------===//

#include "EmitHeader.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
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

/// Words that cannot name a function in C or C++ (C11, C++17).
static bool isKeyword(llvm::StringRef name) {
  static const llvm::StringSet<> keywords = {
      "alignas",      "alignof",   "and",          "and_eq",
      "asm",          "auto",      "bitand",       "bitor",
      "bool",         "break",     "case",         "catch",
      "char",         "class",     "compl",        "const",
      "const_cast",   "constexpr", "continue",     "decltype",
      "default",      "delete",    "do",           "double",
      "dynamic_cast", "else",      "enum",         "explicit",
      "export",       "extern",    "false",        "float",
      "for",          "friend",    "goto",         "if",
      "inline",       "int",       "long",         "main",
      "mutable",      "namespace", "new",          "noexcept",
      "not",          "not_eq",    "nullptr",      "operator",
      "or",           "or_eq",     "private",      "protected",
      "public",       "register",  "reinterpret_cast",
      "restrict",     "return",    "short",        "signed",
      "sizeof",       "static",    "static_assert",
      "static_cast",  "struct",    "switch",       "template",
      "this",         "thread_local", "throw",     "true",
      "try",          "typedef",   "typeid",       "typename",
      "union",        "unsigned",  "using",        "virtual",
      "void",         "volatile",  "wchar_t",      "while",
      "xor",          "xor_eq"};
  return keywords.contains(name);
}

std::string identifier(llvm::StringRef name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result[0]))
    result = "_" + result;
  return isKeyword(result) ? result + "_" : result;
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

static std::string declaration(llvm::StringRef symbol) {
  return ("\n#ifdef __cplusplus\nextern \"C\"\n#else\nextern\n#endif\n"
          "const qrt_static_module " +
          symbol + "; /* for qrt_load_static */\n")
      .str();
}

std::string headerText(const ModuleImage &image, llvm::StringRef path,
                       llvm::StringRef symbol) {
  std::string guard =
      llvm::StringRef(identifier(llvm::sys::path::filename(path))).upper();
  std::string text = "/* Functions of a LowBit module; tensors are row-major. "
                     "Written by quant-compile. */\n#ifndef " +
                     guard + "\n#define " + guard +
                     "\n\n#include <quantrt/quantrt.h>\n";
  if (!symbol.empty())
    text += declaration(symbol);
  for (const FunctionImage &function : image.functions)
    if (function.kind == QRT_FUNCTION_PLAIN)
      text += "\n" + prototype(function);
  return text + "\n#endif\n";
}

} // namespace lowbit

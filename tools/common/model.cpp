//===- model.cpp - The model of a command line ----------------------------===//

#include "tools/common/model.h"

#include "tools/common/files.h"
#include "tools/common/process.h"

using namespace lowbit::tools;

void lowbit::tools::addModelOptions(OptionParser &parser,
                                    ModelOptions &options) {
  parser.section("Model");
  parser.text("-m, --model", "MODEL",
              "a module (.so), or a .gguf or a Hugging Face folder, which is "
              "compiled first",
              &options.path);
  parser.section("Threads and memory");
  parser.text("--affinity", "none|compact|spread|LIST",
              "binds threads to CPUs: neighbouring cores, cores far apart, or "
              "thread i to the i-th CPU of a list such as 0-3,8, which is also "
              "the default number of threads; default: none",
              &options.affinity);
  parser.choice("--huge-pages", {"off", "advise", "copy"},
                "pages of 2 MiB: advise asks for them, copy reads the weights "
                "into memory that has them; default: off",
                &options.hugePages);
  parser.section(
      "Compilation of a .gguf or a folder (passed on to quant-compile)");
  parser.choice(
      "--activations",
      {"f32", "bf16", "int8", "int8-pow2", "per-token", "int4",
       "int4-per-token", "binary"},
      "f32 keeps activations in float, the exact mode; bf16 rounds "
      "them to 8 bits of mantissa; int8 (default) has a scale for 32, "
      "int8-pow2 a power of two, per-token one for each token; int4 "
      "and int4-per-token are 4 bits where weights have no more; binary takes "
      " their signs where weights are signs (XNOR)",
      &options.compile.activations);
  parser.text("--scheme", "SCHEME",
              "rounds the weights to a scheme: a type of GGUF (Q4_0), "
              "FILE.mlir#NAME of a text file, or its words",
              &options.compile.scheme);
  parser.text("--tensors", "REGEX", "only the tensors with such a name",
              &options.compile.tensors);
  parser.choice("--kv", {"f16", "f32", "bf16", "q8", "q4"},
                "keys and values in f16 (default), f32, bf16, in bytes with a "
                "scale for each head of a position, or in 4 bits with a scale "
                "for each 32",
                &options.compile.kv);
  parser.flag("--rotate-heads",
              "store keys and values rotated within each head, for a store of "
              "few bits",
              &options.compile.rotateHeads);
  parser.text("--tuning", "FILE",
              "choices for kernels that quant-compile --tune has measured",
              &options.compile.tuning);
  parser.flag("--no-cache",
              "compile into a temporary file, which is removed at the end",
              &options.noCache);
}

const char *lowbit::tools::modelHelp() {
  return "Compiled models are kept in $XDG_CACHE_HOME/lowbit (else "
         "~/.cache/lowbit), which\nmay be emptied at any time. QRT_CPU=avx2 or "
         "another level forces the code that\nruns; QRT_VERIFY=always|once|"
         "never says when weights are checked.";
}

Error ModelFile::resolve(const ModelOptions &options) {
  if (options.compile.isRandom())
    return compile(options);
  if (options.path.empty())
    return Error("no model given; the first argument is a .so, a .gguf or a "
                 "Hugging Face folder");
  if (isFolder(options.path))
    return compile(options);
  std::string magic;
  TOOLS_TRY(readBeginning(options.path, 4, magic));
  if (magic == "\177ELF") {
    if (options.compile.any())
      return Error("'" + options.path +
                   "' is compiled already: --activations, --scheme, "
                   "--tensors, --kv, --rotate-heads and --tuning are for a "
                   ".gguf or a folder");
    path_ = options.path;
    return Error::success();
  }
  if (magic != "GGUF")
    return Error("'" + options.path +
                 "' is neither a module (.so), a GGUF file nor a folder");
  return compile(options);
}

Error ModelFile::compile(const ModelOptions &options) {
  std::string compiler = findProgram("quant-compile");
  if (compiler.empty())
    return Error("cannot compile '" + options.path +
                 "': quant-compile is "
                 "neither beside this program nor in PATH; install it, or "
                 "give a module (.so)");
  CompileOptions compile = options.compile;
  compile.level = levelForThisMachine();
  // Copies of a layer fill gigabytes and are made in seconds.
  if (!options.noCache && compile.linear.empty())
    return compileCached(options.path, compiler, compile, path_);
  TOOLS_TRY(compileUncached(options.path, compiler, compile, path_));
  temporary_ = true;
  return Error::success();
}

Error lowbit::tools::loadModel(const ModelFile &file,
                               const ModelOptions &options,
                               ModelHandle &model) {
  qrt_load_options load{};
  load.threads = options.threads;
  const auto given = [](const std::string &text) {
    return text.empty() ? nullptr : text.c_str();
  };
  load.affinity = given(options.affinity);
  load.huge_pages = given(options.hugePages);
  qrt_model *loaded = nullptr;
  TOOLS_TRY(check(qrt_load(file.path().c_str(), &load, &loaded)));
  model.reset(loaded);
  return Error::success();
}

Error lowbit::tools::requireText(const qrt_model *model,
                                 const std::string &path) {
  if (modelInfo(model).n_vocab > 0)
    return Error::success();
  return Error("'" + path +
               "' holds no language model, only functions; run "
               "one with quant-run --call=NAME");
}

//===- Emulator.cpp - Modules for AArch64 on another machine --------------===//

#include "Emulator.h"

#include "tools/common/npy.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"

#include <cstring>

namespace lowbit::test {

static const std::string runner = LOWBIT_AARCH64_BUILD "/bin/quant-run";
static const std::string libraries = LOWBIT_AARCH64_BUILD "-sysroot";

std::string emulatorMissing() {
  if (!llvm::sys::fs::exists(runner))
    return runner + " is not there; scripts/test builds it";
  if (!llvm::sys::findProgramByName("qemu-aarch64"))
    return "there is no qemu-aarch64";
  return "";
}

static std::string run(const char *level,
                       const std::vector<std::string> &arguments,
                       const std::string &messages) {
  auto qemu = llvm::sys::findProgramByName("qemu-aarch64");
  std::string choice = std::string("QRT_CPU=") + level;
  std::vector<llvm::StringRef> words = {*qemu, "-cpu",    "max", "-E",
                                        choice, "-L", libraries, runner};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::string error;
  std::optional<llvm::StringRef> streams[] = {"", messages, messages};
  int status = llvm::sys::ExecuteAndWait(*qemu, words, std::nullopt, streams,
                                         /*SecondsToWait=*/300, 0, &error);
  if (status == 0)
    return "";
  std::string said;
  (void)tools::readFile(messages, said);
  return "quant-run under qemu: exit " + std::to_string(status) + ": " + error +
         said;
}

static std::string callIn(const std::string &folder, const std::string &module,
                          const char *level, const qrt_model *like,
                          const std::string &function,
                          const std::vector<const void *> &inputs,
                          std::vector<float> &output) {
  std::vector<std::string> arguments = {module, "--call=" + function};
  int32_t number = qrt_function_find(like, function.c_str());
  for (size_t i = 0; i < inputs.size(); ++i) {
    qrt_tensor_info info;
    if (qrt_function_argument(like, number, int32_t(i), &info) != QRT_OK)
      return qrt_last_error();
    std::string path = folder + "/" + std::to_string(i) + ".npy";
    if (tools::Error error = tools::writeNpy(
            path, info.type, {info.dims, info.dims + info.rank}, inputs[i]))
      return error.message();
    arguments.insert(arguments.end(), {"--input", path});
  }
  std::string result = folder + "/result.npy";
  arguments.insert(arguments.end(), {"--output", result});
  std::string failed = run(level, arguments, folder + "/messages");
  if (!failed.empty())
    return failed;
  tools::NpyArray array;
  if (tools::Error error = tools::readNpy(result, array))
    return error.message();
  if (array.data.size() != output.size() * sizeof(float))
    return "a result of " + std::to_string(array.data.size()) + " bytes";
  std::memcpy(output.data(), array.data.data(), array.data.size());
  return "";
}

std::string callEmulated(const std::string &module, const char *level,
                         const qrt_model *like, const std::string &function,
                         const std::vector<const void *> &inputs,
                         std::vector<float> &output) {
  llvm::SmallString<128> folder;
  if (llvm::sys::fs::createUniqueDirectory("emulated", folder))
    return "cannot make a folder";
  std::string failed = callIn(std::string(folder), module, level, like,
                              function, inputs, output);
  llvm::sys::fs::remove_directories(folder);
  return failed;
}

} // namespace lowbit::test

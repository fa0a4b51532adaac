"""Where lit finds the tests and the tools that they run."""

import os

import lit.formats
from lit.llvm import llvm_config

config.name = "LowBit"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.lowbit_obj_root, "test")
# Run by ctest (unit, e2e) or by themselves (fuzz, lint).
config.excludes = ["Inputs", "e2e", "fuzz", "lint", "unit"]

llvm_config.with_environment("PATH", config.lowbit_tools_dir, append_path=True)
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_system_environment(["HOME", "XDG_CACHE_HOME", "LOWBIT_TEST_SEED"])
config.substitutions.append(("%shared", config.shared_dir))

llvm_config.add_tool_substitutions(
    ["quant-opt", "quant-compile", "quant-run", "quant-reference-model",
     "quant-reference-test"],
    [config.lowbit_tools_dir],
)
llvm_config.add_tool_substitutions(
    ["FileCheck", "not", "split-file"], [config.llvm_tools_dir]
)

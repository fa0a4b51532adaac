"""The peers: where they come from, and a virtual environment for each."""
import dataclasses
import os
import pathlib
import subprocess
import sys
import venv

# ik-llama-cpp-python 0.1.5 lacks a script that its build calls (it names the commit); CMake writes it after project().
MISSING_SCRIPT = """file(WRITE "${CMAKE_CURRENT_SOURCE_DIR}/vendor/ik_llama.cpp/common/cmake/build-info-gen-cpp.cmake"
  "set(BUILD_NUMBER 0)\\nconfigure_file(common/build-info.cpp.in common/build-info.cpp)\\n")
"""


@dataclasses.dataclass
class Peer:
    """What pip installs, and the classes that drive it: of whole models, of single layers of some kinds."""
    name: str
    packages: list
    module: str
    text: str = None
    layer: str = None
    kinds: tuple = ()
    source: bool = False  # built here, with all that this CPU has
    batches: bool = True  # several sequences at once
    depths: bool = True   # a context can be filled once and then measured again and again
    missing_script: str = None
    environment: str = None  # of another peer
    options: dict = dataclasses.field(default_factory=dict)  # of text()


PEERS = {peer.name: peer for peer in [
    Peer("llama.cpp", ["llama-cpp-python"], "ggml_engines", text="LlamaCpp", source=True),
    Peer("ik", ["ik-llama-cpp-python==0.1.5"], "ggml_engines", text="IkLlamaCpp", source=True,
         missing_script="ik_llama_cpp_python", options={"repack": False}),
    # Rearranging weights at load ("run-time repacking") helps steps and hurts some prompts: no choice is best for both.
    Peer("ik-rtr", ["ik-llama-cpp-python==0.1.5"], "ggml_engines", text="IkLlamaCpp", environment="ik",
         options={"repack": True}),
    Peer("openvino", ["openvino-genai"], "openvino_engines", text="Text", layer="Layer", depths=False,
         kinds=("f32", "bf16", "int8", "int4-g32", "int4-g128")),
    Peer("onnxruntime", ["onnxruntime", "onnx"], "onnxruntime_engine", layer="Layer",
         kinds=("f32", "int8", "int4-g32", "int4-g128")),
    # The plain name would be a build for GPUs of several gigabytes.
    Peer("torch", ["torch==2.13.0", "numpy"], "torch_engine", layer="Layer", kinds=("f32", "bf16", "int8")),
    Peer("iree", ["iree-base-compiler", "iree-base-runtime"], "iree_engine", layer="Layer",
         kinds=("f32",)),
]}


class PeerError(Exception):
    """One line: why a peer is left out."""


def cache_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(cache, "lowbit", "peers")


def build_environment(peer, folder):
    """Variables for pip: builds from source use this CPU's instructions; their warnings fill no log."""
    flags = ["-DGGML_NATIVE=ON", "-DCMAKE_C_FLAGS=-w", "-DCMAKE_CXX_FLAGS=-w"]
    if peer.missing_script:
        script = folder / "missing-script.cmake"
        script.write_text(MISSING_SCRIPT)
        flags.append(f"-DCMAKE_PROJECT_{peer.missing_script}_INCLUDE={script}")
    return {**os.environ, "CMAKE_ARGS": " ".join(flags), "CMAKE_BUILD_PARALLEL_LEVEL": str(os.cpu_count())}


def install(peer):
    """Makes the peer's environment unless it is there, and gives its Python."""
    peer = PEERS[peer.environment or peer.name]
    folder = cache_folder() / peer.name
    python, done = folder / "bin" / "python", folder / "installed.txt"
    wanted = "\n".join(peer.packages)
    if done.exists() and done.read_text() == wanted:
        return python
    print(f"installing {peer.name} ({', '.join(peer.packages)}) into {folder}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    venv.create(folder, with_pip=True, clear=True)
    command = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    if peer.source:
        command += ["--no-binary", peer.packages[0].split("=")[0]]
    log = folder / "pip.log"
    with open(log, "w") as output:
        result = subprocess.run(command + peer.packages, stdout=output, stderr=subprocess.STDOUT,
                                env=build_environment(peer, folder) if peer.source else None)
    if result.returncode:
        raise PeerError(f"pip could not install {' '.join(peer.packages)}; see {log}")
    done.write_text(wanted)
    return python

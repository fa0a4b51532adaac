"""The command lines as the documents describe them."""

import json
import os
import shutil
import subprocess

from harness import TINY, Skip, each, expect, one_line

MODEL = TINY / "llama-q4_1.gguf"


def test_stdout_is_the_text_alone(context):
    result = context.attempt("quant-run", context.model("smollm2"), "-p", "The capital of France is",
                             "-n", 6, "--temp", 0)
    expect(result.returncode == 0, result.stderr)
    expect(result.stdout.lstrip().startswith("Paris"), f"expected Paris, but got {result.stdout!r}")
    for line in ("prompt eval time", "eval time", "tokens per second"):
        expect(line in result.stderr, f"expected llama.cpp's line '{line}' on stderr, but got {result.stderr!r}")


def test_escapes_in_prompts(context):
    model = context.model("smollm2")
    first, second = (json.loads(context.run("quant-run", model, "-p", prompt, "-n", 1, "--json"))
                     for prompt in ("a\\nb", "a\nb"))
    expect(first["prompt_ids"] == second["prompt_ids"], f"{first['prompt_ids']} is not {second['prompt_ids']}")


def test_json(context):
    answer = json.loads(context.run("quant-run", context.model("smollm2"), "-p", "Once", "-n", 5, "--temp", 0,
                                    "--ignore-eos", "--json"))
    expect(set(answer) >= {"prompt_ids", "ids", "text", "stop_reason", "timings"}, f"keys: {set(answer)}")
    timings = {"prompt_n", "prompt_ms", "predicted_n", "predicted_ms", "load_ms"}
    expect(set(answer["timings"]) >= timings, f"keys of timings: {set(answer['timings'])}")
    expect(len(answer["ids"]) == 5 and answer["timings"]["predicted_n"] == 5, f"expected 5 ids, but got {answer}")


def test_penalty_covers_the_prompt(context):
    """A token that a bias makes certain, and a penalty impossible again."""
    def first(*options):
        answer = json.loads(context.run("quant-run", context.model("smollm2"), "-p", "one two three", "-n", 1,
                                        "--temp", 0, "--ignore-eos", "--json", *options))
        return answer["prompt_ids"], answer["ids"][0]
    prompt, _ = first()
    expect(len(set(prompt)) >= 3, f"expected different tokens, but got {prompt}")
    bias, penalty = ("-l", f"{prompt[0]}+1000"), ("--repeat-penalty", 1e6)
    expect(first(*bias)[1] == prompt[0], "the bias does not decide")
    expect(first(*bias, *penalty)[1] not in prompt, "a token of the prompt was not penalized")
    expect(first(*bias, *penalty, "--repeat-last-n", 1)[1] == prompt[0], "a token outside the window was penalized")
    expect(first(*bias, *penalty, "--repeat-last-n", -1)[1] not in prompt, "-1 is not the whole prompt")


def test_chat(context):
    text = context.run("quant-run", context.model("smollm2"), "-cnv", "-st", "--temp", 0, "-n", 40,
                       "-p", "What is the capital of France? One word.")
    expect("Paris" in text and "<|im_" not in text, f"expected Paris and no markers, but got {text!r}")


def test_tokenize_and_back(context):
    text = context.folder / "text.txt"
    text.write_text("Hello, world\n  two  spaces\nüöä 漢字 🙂\n")
    ids = context.run("quant-run", context.model("smollm2"), "--tokenize", text)
    (context.folder / "ids.txt").write_text(ids)
    back = context.run("quant-run", context.model("smollm2"), "--detokenize", context.folder / "ids.txt")
    expect(back == text.read_text(), f"expected {text.read_text()!r}, but got {back!r}")


def test_bench(context):
    rows = json.loads(context.run("quant-bench", MODEL, "-p", 8, "-n", 4, "-t", "1,2", "-r", 1, "-o", "json"))
    expect([(row["test"], row["threads"]) for row in rows]
           == [("pp8", 1), ("tg4", 1), ("pp8", 2), ("tg4", 2)]
           or {(row["test"], row["threads"]) for row in rows} == {(t, n) for t in ("pp8", "tg4") for n in (1, 2)},
           f"expected pp8 and tg4 for 1 and 2 threads, but got {rows}")
    for key in ("model", "scheme", "tokens_per_second", "stddev", "bytes_per_token", "packed_bytes",
                "share_of_bandwidth", "share_of_peak"):
        expect(all(key in row for row in rows), f"no '{key}' in {rows[0]}")


def test_compiled_once(context):
    """Two processes at once, one compilation; the third finds the module."""
    cache = context.folder / "cache"
    environment = context.environment(XDG_CACHE_HOME=str(cache))
    command = [context.build / "bin/quant-run", MODEL, "-p", "a", "-n", "2", "--temp", "0"]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                 for _ in range(2)]
    outputs = {process.communicate(timeout=600)[0] for process in processes}
    expect(all(process.returncode == 0 for process in processes), "a process failed")
    expect(len(outputs) == 1, f"expected one text, but got {outputs}")
    modules = list((cache / "lowbit").glob("*.so"))
    expect(len(modules) == 1, f"expected one module, but got {modules}")
    before = modules[0].stat().st_mtime_ns
    context.run("quant-run", MODEL, "-p", "a", "-n", 2, XDG_CACHE_HOME=str(cache))
    expect(modules[0].stat().st_mtime_ns == before, "compiled again")
    rest = [path.name for path in cache.rglob("*") if path.name.endswith((".tmp", ".lock"))]
    expect(not rest, f"left behind: {rest}")


BAD = {
    "no-such-model": (["quant-run", "nowhere.gguf", "-p", "a"], "nowhere.gguf"),
    "no-model-file": (["quant-run", "text.txt", "-p", "a"], "text.txt"),
    "no-prompt": (["quant-run", "MODULE"], "-p"),
    "unknown-option": (["quant-run", "MODULE", "--surprise"], "--surprise"),
    "affinity-list": (["quant-run", "MODULE", "-p", "a", "--affinity", "0-"], 'affinity "0-"'),
    "affinity-cpu": (["quant-bench", "MODULE", "--affinity=0,8191"], "CPU 8191"),
    "huge-pages": (["quant-eval", "MODULE", "--huge-pages", "on"], "off|advise|copy"),
    "no-such-text": (["quant-eval", "MODULE", "--text", "nowhere.txt"], "nowhere.txt"),
    "no-such-prompts": (["quant-eval", "MODULE", "--prompts", "nowhere.txt", "--logits", "x.f32"], "nowhere.txt"),
    "compile-no-such-file": (["quant-compile", "nowhere.gguf", "-o", "x.so"], "nowhere.gguf"),
    "compile-not-gguf": (["quant-compile", "text.txt", "-o", "x.so"], "text.txt"),
    "compile-no-folder": (["quant-compile", MODEL, "-o", "no/folder/x.so"], "no/folder"),
    "compile-level": (["quant-compile", MODEL, "-o", "x.so", "--target-cpu=z80"], "z80"),
    "compile-truncated": (["quant-compile", "truncated.gguf", "-o", "x.so"], "truncated.gguf"),
}


@each(*BAD)
def test_bad_input(context, name):
    """One line: what, where, what to do. Exit 1, nothing left behind."""
    words, part = BAD[name]
    command = [context.module(MODEL) if word == "MODULE" else word for word in words]
    (context.folder / "text.txt").write_text("no model\n")
    content = MODEL.read_bytes()
    (context.folder / "truncated.gguf").write_bytes(content[:len(content) // 2])
    before = sorted(context.folder.iterdir())
    line = one_line(context.attempt(*command), command[0])
    expect(part in line, f"expected '{part}' in {line!r}")
    expect(sorted(context.folder.iterdir()) == before, f"left behind: {sorted(context.folder.iterdir())}")


def test_prompt_longer_than_context(context):
    module = context.module(context.model("smollm2"))
    result = context.attempt("quant-run", module, "-c", 8, "-p", "one two three four five " * 8)
    line = one_line(result, "quant-run")
    expect("8" in line and "context" in line, f"expected the context of 8 in {line!r}")


def test_full_disk(context):
    """A file system of 128 KiB, in a namespace of its own."""
    script = """mount -t tmpfs -o size=128k none disk || exit 77
"$0" "$1" -o disk/model.so --quiet; status=$?; ls -A disk; exit $status"""
    (context.folder / "disk").mkdir()
    unshare = shutil.which("unshare")
    if not unshare or context.attempt(unshare, "-rm", "mount", "-t", "tmpfs", "none", "disk").returncode:
        raise Skip("this machine lets nobody mount a small file system")
    result = context.attempt(unshare, "-rm", "sh", "-c", script, context.build / "bin/quant-compile", MODEL)
    line = one_line(result, "quant-compile")  # and `ls` found nothing
    expect("disk/model.so" in line and "space" in line.lower(), f"expected the file and the reason in {line!r}")


def test_output_that_is_no_file(context):
    """A device is not replaced by a module."""
    pipe = context.folder / "pipe"
    os.mkfifo(pipe)
    line = one_line(context.attempt("quant-compile", MODEL, "-o", pipe), "quant-compile")
    expect("pipe" in line, f"expected the name in {line!r}")
    expect(pipe.is_fifo(), "the pipe was replaced")

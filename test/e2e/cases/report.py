"""quant-report: what it measures, and that its pages can be looked at."""

import html
import html.parser
import json
import math
import re
import shutil
import struct
import subprocess
import urllib.parse
import zlib

from cases.evaluate import text_of, tokens_of
from harness import TINY, Skip, each, expect, one_line

MODEL = TINY / "llama-f32.gguf"
QUICK = ("--ctx", 32, "--chunks", 2, "-p", 16, "-n", 4, "-r", 1, "-t", 1)
HOSTILE = "</td><script>window.hacked = 1</script>\ufffd & \"quoted\" '"


# --- Measuring -----------------------------------------------------------------------


def measure(context, *options):
    text = context.folder / "text.txt"
    if not text.exists():  # another time would be another text
        text.write_text(text_of(tokens_of(100)))
    result = context.attempt("quant-report", MODEL, "--text", "text.txt", *QUICK, *options)
    expect(result.returncode == 0, f"exit {result.returncode}: {result.stderr[-500:]}")
    return result


class Outline(html.parser.HTMLParser):
    """Ids of sections, every tag, and every address that the page names."""

    def __init__(self, page):
        super().__init__()
        self.sections, self.tags, self.addresses, self.open = [], set(), [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if tag == "section":
            self.sections.append(attributes["id"])
        self.addresses += [attributes[name] for name in ("href", "src", "xlink:href") if name in attributes]

    def handle_startendtag(self, tag, attributes):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        expect(self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}")
        self.open.pop()


def outline(page):
    """Of a page that is well formed and needs nothing else."""
    result = Outline(page)
    expect(not result.open, f"never closed: {result.open}")
    expect("script" not in result.tags, "the page has a script")
    expect(all(address.startswith("#") for address in result.addresses), f"the page names {result.addresses}")
    expect(not re.search(r"url\(|@import", page), "the style loads something")
    expect(not re.search(r'["> ,](nan|inf)["<, ]', page), "a number of the page is not finite")
    return result


def test_measures_variants(context):
    measure(context, "--variants", "bf16,1-bit", "-o", "r.html", "--work", "work")
    document = json.loads((context.folder / "r.json").read_text())
    variants = {variant["name"]: variant for variant in document["variants"]}
    expect(list(variants) == ["bf16", "1-bit"], f"variants {list(variants)}")
    for name, variant in variants.items():
        expect([row["test"] for row in variant["bench"]] == ["pp16", "tg4"], f"{name}: {variant['bench']}")
        expect(variant["eval"]["tokens_scored"] == 2 * 15, f"{name}: {variant['eval']['tokens_scored']} tokens")
        expect(variant["peak_bytes"] > 1e5 and variant["module_bytes"] > 1e4, f"{name}: memory")
    loss = [variants[name]["eval"]["kld"]["mean"] for name in variants]
    expect(loss[0] < loss[1], f"more bits are nearer: {loss}")
    sizes = [variants[name]["bench"][0]["model_size"] for name in variants]
    expect(sizes[0] > sizes[1], f"fewer bits are smaller: {sizes}")
    layers = len(variants["1-bit"]["eval"]["layers"])
    expect(len(document["sensitivity"]) == layers, f"sensitivity of {layers} layers: {document['sensitivity']}")
    for part in ("weights", "activations"):
        for row in document["histograms"][part]:
            expect(sum(row["counts"]) == row["count"] > 0, f"{row['name']}: {row['count']} values")
    page = (context.folder / "r.html").read_text()
    expect(outline(page).sections == ["formats", "trade-off", "divergence", "worst", "noise", "sensitivity",
                                      "histograms", "roofline", "method"], f"sections {outline(page).sections}")

    # Nothing is measured twice, and the page is a function of the JSON.
    again = measure(context, "--variants", "bf16,1-bit", "-o", "again.html", "--work", "work")
    expect("compiling" not in again.stderr, f"it was measured again: {again.stderr}")
    second = json.loads((context.folder / "again.json").read_text())
    expect(second["variants"] == document["variants"], "the second report has other numbers")
    context.run("quant-report", "--from", "r.json", "-o", "from.html")
    expect((context.folder / "from.html").read_text() == page, "--from draws another page")


def test_recipes(context):
    (context.folder / "mine.yaml").write_text("tensors:\n  - match: .*\n    scheme: Q4_0\n")
    measure(context, "--recipe", "mine.yaml", "--recipe", "Q8_0", "-o", "r.html")
    document = json.loads((context.folder / "r.json").read_text())
    expect([variant["name"] for variant in document["variants"]] == ["bf16", "mine", "Q8_0"], "variants")
    expect("scheme: Q4_0" in (context.folder / "r.html").read_text(), "the recipe is not in the page")


@each("no-model", "module", "no-text", "recipe", "json", "other-json")
def test_bad_input(context, case):
    folder = context.folder
    (folder / "t.txt").write_text(text_of(tokens_of(100)))
    (folder / "bad.json").write_text("{")
    (folder / "other.json").write_text("[]")
    words = {
        "no-model": (folder / "none.gguf", "--text", "t.txt"),
        "module": (context.module(MODEL), "--text", "t.txt"),
        "no-text": (MODEL, "--text", "none.txt"),
        "recipe": (MODEL, "--text", "t.txt", "--recipe", "none.yaml"),
        "json": ("--from", "bad.json"),
        "other-json": ("--from", "other.json"),
    }[case]
    one_line(context.attempt("quant-report", *words, "-o", "r.html"), "quant-report")
    expect(not (folder / "r.html").exists(), "a report was left behind")


# --- Looking at it -------------------------------------------------------------------


def bell(name, width):
    counts = [int(1e6 * math.exp(-((i - 63.5) / width) ** 2 / 2)) for i in range(128)]
    return {"name": name, "count": sum(counts), "min": -1.6, "max": 1.61, "limit": 2.0, "counts": counts,
            "clips": [{"levels": 16, "low": -0.4, "high": 0.4, "outside": 0.013},
                      {"levels": 256, "low": -1.1, "high": 1.1, "outside": 2e-5}]}


def variant(name, bits, speed, noise, layers):
    size, kld = 135e6 * bits / 8, 10 ** (-noise / 10)
    rows = [{"test": test, "model": "A model with quite a long name " + HOSTILE, "threads": 16,
             "tokens_per_second": rate, "operations_per_second": 2.7e8 * rate, "bytes_per_second": moved * rate,
             "bandwidth": 7e10, "peak": 2e12 if bits < 16 else 9e11, "peak_kind": "int8" if bits < 16 else "bf16",
             "peak_instruction": "vpdpbusd, 512 bits", "level": "avx512vnni", "disturbed": True,
             "model_size": size, "model_n_params": 135e6}
            for test, rate, moved in (("pp512", 20000 * speed, size / 256), ("tg64", 210 * speed, size))]
    matrices = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    weights = [{"name": f"blk.{layer}.{role}.weight", "rows": 576, "columns": 576, "bits_per_weight": bits,
                "sqnr_db": noise + (layer * 7 + i * 3) % 5} for layer in range(layers) for i, role in enumerate(matrices)]
    worst = [{"kld": 20 * kld, "p": 1e-9, "p_base": 0.5, "before": "w" * 70 + HOSTILE, "text": HOSTILE,
              "after": "\n\t\x01 and more", "top": "W" * 60, "top_base": " the"}] * 10
    quantiles = {"p1": kld / 90, "p5": kld / 30, "median": kld / 2, "p95": 4 * kld, "p99": 9 * kld, "max": 20 * kld}
    return {"name": name, "title": name.upper() if name != "int2" else "a-recipe-with-a-long-name", "scheme": "u4 offset 8, group 32 scale f16",
            "recipe": "name: x\n" + "scheme: " + "x" * 200, "bench": rows, "peak_bytes": 1.3 * size,
            "module_bytes": size, "eval": {
                "ppl": 13, "ppl_base": 13, "ppl_ratio": math.exp(3 * kld), "ppl_ratio_error": 0.003,
                "same_top_p": 1 - kld / 2, "same_top_p_error": 0.002, "tokens_scored": 2040,
                "kld": {"mean": kld, "mean_error": kld / 50, **quantiles}, "worst_tokens": worst, "weights": weights,
                "layers": [{"sqnr_db": noise - layer / 4} for layer in range(layers)]}}


def example(layers):
    """A report of seven formats, some of which lie close together, with names and texts that do their worst."""
    formats = (("bf16", 16, 1, 50), ("source", 5.8, 2.1, 28), ("int8", 8.5, 1.7, 29), ("int4", 5.3, 2.6, 16),
               ("int2", 4.2, 2.9, 1), ("ternary", 3.6, 3.3, -6), ("1-bit", 2.9, 3.4, -7))
    return {"lowbit_report": 1, "created": "2026-11-24T12:00:00Z", "version": "LowBit", "calibration": "",
            "command": ["quant-report", "a b.gguf", "--text", "x" * 300], "machine": {"cpu": "A CPU", "system": "Linux"},
            "model": {"path": "/a/" + "long" * 40 + ".gguf", "is_folder": False},
            "text": {"path": "t.txt", "bytes": 1e5, "chunks": 8, "ctx": 512},
            "variants": [variant(*each, layers) for each in formats],
            "sensitivity": [{"tensor": f"blk.{i}.attn_output.weight", "kl": 1 / (i + 1)} for i in range(40)],
            "histograms": {"weights": [bell(f"blk.*.{i}.weight", 4 + i) for i in range(8)],
                           "activations": [bell(f"layer {i}", 3) for i in range(layers)]}}


def draw(context, layers=30):
    (context.folder / "r.json").write_text(json.dumps(example(layers)))
    context.run("quant-report", "--from", "r.json", "-o", "r.html")
    return (context.folder / "r.html").read_text()


@each(1, 30, 126)
def test_page_is_well_formed(context, layers):
    page = draw(context, layers)
    outline(page)
    expect("<script" not in page and "&lt;script&gt;window.hacked" in page, "the model's text is markup")


def test_invalid_utf8(context):
    text = json.dumps(example(1)).encode().replace(b"\\ufffd", b"\xff\xc3")
    (context.folder / "r.json").write_bytes(text)
    line = one_line(context.attempt("quant-report", "--from", "r.json", "-o", "r.html"), "quant-report")
    expect("r.json" in line, line)


def chromium(context, page, *options, width, dark=False):
    """Runs Debian's chromium without a window; needs no network and no display."""
    program = shutil.which("chromium")
    if not program:
        raise Skip("needs chromium (Debian's package of this name)")
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
               "--force-device-scale-factor=1", f"--user-data-dir={context.folder / 'profile'}",
               f"--window-size={width},1600", f"--blink-settings=preferredColorScheme={0 if dark else 1}",
               *options, page.as_uri()]
    result = subprocess.run(command, capture_output=True, cwd=context.folder, timeout=300)
    expect(result.returncode == 0, f"chromium: exit {result.returncode}: {result.stderr[-500:]!r}")
    return result.stdout.decode()


# What the browser has laid out: does the page scroll sideways, do words of a drawing leave it, do they cover others?
# The page is in a frame, as no window of chromium is narrower than 500.
PROBE = """<!DOCTYPE html>
<iframe style="width:WIDTHpx;height:1600px;border:0" srcdoc="PAGE"></iframe>
<script>
addEventListener('load', () => {
  const page = frames[0].document;
  const found = {hacked: !!frames[0].hacked, width: frames[0].innerWidth, page: page.documentElement.scrollWidth,
                 clipped: [], covered: [], texts: 0, drawings: 0};
  for (const svg of page.querySelectorAll('svg')) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue;
    found.drawings += 1;
    const boxes = [];
    for (const text of svg.querySelectorAll('text')) {
      const box = text.getBoundingClientRect();
      found.texts += 1;
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 ||
          box.bottom > frame.bottom + 1) found.clipped.push(text.textContent);
      for (const other of boxes)
        if (box.left < other.right - 1 && other.left < box.right - 1 && box.top < other.bottom - 3 &&
            other.top < box.bottom - 3) found.covered.push(text.textContent);
      boxes.push(box);
    }
  }
  document.body.textContent = 'FOUND' + encodeURIComponent(JSON.stringify(found)) + 'END';
});
</script>"""


def laid_out(context, page, width):
    probe = PROBE.replace("WIDTH", str(width)).replace("PAGE", html.escape(page))
    (context.folder / "probe.html").write_text(probe)
    answer = chromium(context, context.folder / "probe.html", "--dump-dom", width=1400)
    found = re.search("FOUND([^']*?)END</body>", answer)
    expect(found, f"the browser answered {answer[-300:]!r}")
    return json.loads(urllib.parse.unquote(found[1]))


@each(1280, 390)
def test_layout(context, width):
    found = laid_out(context, draw(context), width)
    expect(not found["hacked"], "a script of the model's text ran")
    expect(found["width"] == width, f"the frame is {found['width']} wide")
    expect(found["page"] <= width, f"the page is {found['page']} wide in a frame of {width}")
    expect(found["drawings"] >= 20 and found["texts"] >= 300, f"{found['drawings']} drawings, {found['texts']} words")
    expect(not found["clipped"], f"words that leave their drawings: {found['clipped'][:5]}")
    expect(not found["covered"], f"words that cover others: {found['covered'][:5]}")


def test_layout_finds_mistakes(context):
    """The probe itself: a page that scrolls, with words that are cut and words on words."""
    found = laid_out(context, "<body onload='hacked = 1'><div style='width:2000px'>x</div><svg viewBox='0 0 90 30' "
                     "width='90' height='30'><text x='60' y='20'>too long a text</text><text x='2' y='20'>one</text>"
                     "<text x='4' y='20'>two</text></svg>", 390)
    expect(found["hacked"] and found["page"] > 390, f"{found}")
    expect(found["clipped"] == ["too long a text"] and found["covered"] == ["two"], f"{found}")


def pixels(path):
    """Rows of a PNG of 8 bits without interlacing, and the bytes of a pixel."""
    data, at, packed = path.read_bytes(), 8, b""
    expect(data[:8] == b"\x89PNG\r\n\x1a\n", "the screenshot is no PNG")
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at:at + 4]), data[at + 4:at + 8]
        body, at = data[at + 8:at + 8 + length], at + 12 + length
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", body)
        packed += body if kind == b"IDAT" else b""
    expect(depth == 8 and color in (2, 6) and not interlaced, f"a PNG of depth {depth}, colours {color}")
    size = 3 if color == 2 else 4
    return width, height, size, filtered(zlib.decompress(packed), width * size, size)


def filtered(raw, stride, size):
    """Takes back the filters of a PNG."""
    before, rows = bytearray(stride), []
    for begin in range(0, len(raw), stride + 1):
        kind, row = raw[begin], bytearray(raw[begin + 1:begin + 1 + stride])
        for i in range(stride if kind else 0):
            left, up = (row[i - size] if i >= size else 0), before[i]
            corner = before[i - size] if i >= size else 0
            guess = left + up - corner
            paeth = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
            row[i] = row[i] + (0, left, up, (left + up) // 2, paeth)[kind] & 255
        rows.append(bytes(row))
        before = row
    return rows


@each((1280, "light"), (1280, "dark"), (390, "light"))
def test_screenshot(context, width, theme):
    """Words and drawings are there, in either theme; fonts differ, so pixels are not compared."""
    draw(context)
    chromium(context, context.folder / "r.html", f"--screenshot={context.folder / 'shot.png'}", width=width,
             dark=theme == "dark")
    wide, high, size, rows = pixels(context.folder / "shot.png")
    expect((wide, high) == (width, 1600), f"the screenshot is {wide} x {high}")
    ground = rows[2][:3]
    expect((sum(ground) < 3 * 64) == (theme == "dark"), f"the ground of the {theme} page is {tuple(ground)}")
    drawn = [sum(row[i:i + 3] != ground for i in range(0, len(row), size)) for row in rows]
    share = sum(drawn) / (wide * high)
    expect(0.03 < share < 0.8, f"{share:.1%} of the page are drawn on")
    for band in range(0, high, 400):
        expect(sum(drawn[band:band + 400]), f"nothing between rows {band} and {band + 400}")
    colours = {row[i:i + 3] for row in rows[::2] for i in range(0, len(row), 2 * size)}
    expect(len(colours) > 50, f"{len(colours)} colours")

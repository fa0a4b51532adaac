//===- LinearPlan.cpp - How a matrix product is blocked -------------------===//

#include "lowbit/Conversion/LinearPlan.h"

#include "PanelDot.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace lowbit {

/// Unpacking pays where a byte takes more than a shift and a mask, or scales
/// more than a conversion. 512 rows, K = 2048, N = 8192 on Zen 5, share of the
/// peak with and without (2026-11-24): 6 bits of groups of 16 59 and 45 %, 4
/// bits of nested scales 63 and 60, of a codebook 68 and 63; but 4 bits of
/// plain groups of 128 78 and 82, 2 bits of groups of 256 86 and 91.
/// Codes to bf16 take more of all of these: always.
static bool unpacks(const PanelLayout &panel, const RowsLayout &layout) {
  const Scheme &scheme = panel.scheme();
  if (layout.bits == 16)
    return true;
  int64_t groupLevels = llvm::count_if(
      scheme.levels, [](const Level &level) { return level.group > 0; });
  return panel.planes().size() > 1 || scheme.kind == CodeKind::Codebook ||
         groupLevels > 1;
}

/// Rows of a block that pack.tile_dot multiplies; 0: none. Groups of 16 would
/// fill a quarter of a tile, and their sums in memory cost what that saves: by
/// count of instructions, not measured.
static int64_t rowsOfBlock(const PanelLayout &panel, const RowsLayout &layout,
                           const TargetInfo &target) {
  if (panel.scheme().isFloat() || layout.bits != 8)
    return 0;
  bool isLong = panel.scheme().innerGroup() <= 0 &&
                panel.paddedGroup() / 4 > PanelLayout::kChunkQuads;
  return isLong || panel.paddedGroup() % 32 == 0 ? target.tileRows : 0;
}

/// With 32 registers, panels share a row's broadcast, so that loads do not
/// limit the dot products. Share of the peak, 512 rows, K = 2048, N = 8192,
/// Zen 5, 1 thread (2026-11-24), by what limits:
/// - one sum of a row: as many sums as there are registers, 8 x 3 (12 x 2: 80
///   and 90 %: a row's bytes come from the second-level cache for fewer
///   products);
/// - sums of groups need a second accumulator, and 4 x 3 spills: 3 x 2, each
///   with two integer chains (groups of 128 84 and 88 %, of 32 70 and 75 %, 2
///   bits of groups of 64 77 and 85 %), 4 x 2 with minima (68 and 69.5 %); but
///   6 x 2 where scales of activations are powers of two, which takes more
///   preparation of a panel's scales (65 and 77 %);
/// - unpacked weights come from the second-level cache, a line serves the rows
///   of a tile: 6 x 2 (nested scales and minima: 3 x 2 59, 4 x 3 62, 6 x 2 67
///   %);
/// - of pack.tile_dot: the panels of its tile.
/// With 16 registers a panel, of two or four parts, has room for few rows.
/// Where weights are decoded to floats, decoding costs more than loading: all
/// rows on one panel.
static void chooseTile(const PanelLayout &panel, const RowsLayout &layout,
                       const TargetInfo &target, LinearPlan &plan) {
  bool isFloat = panel.scheme().isFloat();
  bool grouped = !isFloat && panel.groups() > 1;
  bool isSigns = layout.bits == 1;
  bool many = target.tileSums >= 24 &&
              (isFloat || isSigns || usesDots(layout, target));
  int64_t sums = grouped ? target.tileSums / 2 : target.tileSums;
  plan.tilePanels = !many ? 1 : grouped && !isSigns ? 2 : 3;
  if (plan.blockRows)
    plan.tilePanels = target.tilePanels;
  plan.tileRows = sums / plan.tilePanels;
  if (many && grouped && !isSigns && !plan.unpacks && !layout.pow2)
    plan.tileRows = panel.scheme().hasMinima() ? 4 : 3;
}

LinearPlan planLinear(const PanelLayout &panel, const RowsLayout &layout,
                      const TargetInfo &target) {
  LinearPlan plan;
  plan.blockRows = rowsOfBlock(panel, layout, target);
  plan.canUnpack = !panel.scheme().isFloat() && usesDots(layout, target);
  plan.unpacks =
      plan.canUnpack && (plan.blockRows || unpacks(panel, layout));
  chooseTile(panel, layout, target, plan);
  plan.onceRows = target.onceRows;
  plan.streamRows = target.streamRows;
  // 7.5 KB were best on Zen 5 (design/spikes/cpu/token: 72-83 % to 95-100 % of
  // a plain read).
  plan.decodeAhead = 7680;
  plan.unpackedBytes = target.panelCache;
  plan.blockBytes = target.blockCache;
  return plan;
}

//===- Tuning -------------------------------------------------------------===//

/// `text` is a number from `least` to `most`.
static bool number(llvm::StringRef text, int64_t least, int64_t most,
                   int64_t &value) {
  return !text.getAsInteger(10, value) && value >= least && value <= most;
}

static bool applyChoice(llvm::StringRef name, llvm::StringRef value,
                        LinearPlan &plan) {
  constexpr int64_t kRows = 32, kBytes = int64_t(1) << 30;
  if (name == "tile") {
    auto [rows, panels] = value.split('x');
    // The panels of pack.tile_dot are those of the instruction.
    return number(rows, 1, kRows, plan.tileRows) &&
           number(panels, 1, 8, plan.tilePanels) && !plan.blockRows;
  }
  if (name == "unpack") {
    int64_t unpacks = 0;
    bool valid = number(value, plan.blockRows ? 1 : 0, plan.canUnpack, unpacks);
    plan.unpacks = unpacks;
    return valid;
  }
  int64_t *choice = llvm::StringSwitch<int64_t *>(name)
                        .Case("few", &plan.fewRows)
                        .Case("once", &plan.onceRows)
                        .Case("stream", &plan.streamRows)
                        .Default(nullptr);
  if (choice)
    return number(value, 1, kRows, *choice);
  choice = llvm::StringSwitch<int64_t *>(name)
               .Case("unpacked", &plan.unpackedBytes)
               .Case("block", &plan.blockBytes)
               .Case("ahead", &plan.decodeAhead)
               .Default(nullptr);
  return choice && number(value, 0, kBytes, *choice);
}

std::string applyChoices(llvm::StringRef words, LinearPlan &plan) {
  llvm::SmallVector<llvm::StringRef> list;
  words.split(list, ' ', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef word : list) {
    auto [name, value] = word.split('=');
    if (!applyChoice(name, value, plan))
      return "'" + word.str() +
             "' is no choice for this product: expected tile=ROWSxPANELS, "
             "few=, once= or stream=ROWS, unpack=0 or 1, unpacked=, block= or "
             "ahead=BYTES";
  }
  return "";
}

std::string linearKey(const PanelLayout &panel, const RowsLayout &layout) {
  const char *activations = layout.bits == 32   ? "f32"
                            : layout.bits == 16 ? "bf16"
                            : layout.bits == 1  ? "binary"
                            : layout.pow2       ? "int8-pow2"
                            : layout.scaleGroups ? "int8"
                                                 : "per-token";
  return panel.scheme().str() + "; " + activations + "; " +
         std::to_string(panel.columns());
}

} // namespace lowbit

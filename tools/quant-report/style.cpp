//===- style.cpp - Colours and type of a report ---------------------------===//
//
// Series keep one colour everywhere. The hues are Okabe and Ito's, which
// readers who see fewer colours tell apart; series differ in shape as well.
//
//===----------------------------------------------------------------------===//

#include "tools/quant-report/page.h"

const char *lowbit::tools::report::pageStyle() {
  return R"css(
:root {
  color-scheme: light dark;
  --page: #fff; --card: #f5f6f8; --ink: #1c2127; --soft: #5b6570;
  --rule: #dde1e6; --accent: #0a63ad; --pick: #e8f1fa;
  --s0: #4b5563; --s1: #a26a10; --s2: #0072b2; --s3: #008f68;
  --s4: #d55e00; --s5: #c0568f; --s6: #6b3fa0; --s7: #3a9bd1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --card: #1d2127; --ink: #e8ebef; --soft: #9ba6b2;
    --rule: #343a43; --accent: #6cb6f5; --pick: #1d2d3d;
    --s0: #aab4c0; --s1: #d9a441; --s2: #58a9e0; --s3: #2fc99b;
    --s4: #ff8a3d; --s5: #e892bf; --s6: #b394e6; --s7: #8fd3f7;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
    "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 34px; line-height: 1.15; margin: 4px 0 6px;
  letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { font-size: 21px; line-height: 1.25; margin: 0 0 4px;
  letter-spacing: -0.01em; }
h3 { font-size: 15px; margin: 22px 0 6px; }
p { margin: 0; }
section { margin-top: 48px; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
.over { color: var(--accent); font-weight: 600; font-size: 13px;
  letter-spacing: 0.06em; text-transform: uppercase; }
.facts, .note { color: var(--soft); font-size: 14px; overflow-wrap: anywhere; }
.note { max-width: 76ch; margin-bottom: 16px; }
.below { margin: 10px 0 0; }
.hero { font-size: 23px; line-height: 1.38; margin: 26px 0 20px;
  max-width: 62ch; letter-spacing: -0.01em; }
.tiles { display: grid; gap: 12px;
  grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); }
.tile { background: var(--card); border-radius: 12px; padding: 16px 18px; }
.tile .what { color: var(--soft); font-size: 13px; }
.tile .big { font-size: 30px; line-height: 1.25; font-weight: 650;
  letter-spacing: -0.02em; }
.tile .unit { font-size: 17px; font-weight: 500; letter-spacing: 0; }
.tile .than { font-size: 13px; color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: 6px 20px; margin-top: 26px;
  padding: 10px 0; border-bottom: 1px solid var(--rule);
  border-top: 1px solid var(--rule); font-size: 14px; }
.scroll { overflow-x: auto; max-width: 100%; position: relative; }
.scroll:focus-visible { outline: 2px solid var(--accent); }
table { border-collapse: collapse; font-size: 14px; width: 100%; }
th, td { padding: 7px 9px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--rule); }
th { font-weight: 600; color: var(--soft); font-size: 13px;
  vertical-align: bottom; }
thead tr:first-child th.group { text-align: left; color: var(--ink);
  padding-left: 22px; border-bottom-color: transparent; padding-bottom: 0; }
th.left, td.left, tbody th { text-align: left; }
tbody th { color: var(--ink); font-weight: 600; font-size: 14px; }
td.first, th.first { padding-left: 22px; }
th:first-child { padding-left: 4px; }
.scroll + .scroll { margin-top: 18px; }
tr.pick th, tr.pick td { background: var(--pick); }
td .small { color: var(--soft); font-size: 12px; }
td.text { white-space: normal; text-align: left; min-width: 300px;
  overflow-wrap: anywhere; }
td.word { text-align: left; white-space: normal; max-width: 150px;
  overflow-wrap: anywhere; }
td.text, td.word { font-family: ui-monospace, "SF Mono", Menlo, Consolas,
  "DejaVu Sans Mono", monospace; font-size: 13px; }
td.text mark { background: var(--s4); color: #fff; border-radius: 3px;
  padding: 1px 2px; white-space: nowrap; }
.context { color: var(--soft); }
td.text span, td.text mark, td.word { unicode-bidi: isolate; }
.swatch { width: 14px; height: 14px; vertical-align: -2px; margin-right: 8px;
  display: inline-block; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 14px;
  margin-bottom: 8px; }
.pair { display: grid; gap: 24px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
.small-multiples { display: grid; gap: 14px 18px;
  grid-template-columns: repeat(auto-fill, minmax(min(230px, 44%), 1fr)); }
figure { margin: 0; }
figcaption { font-size: 13px; color: var(--soft); }
figcaption b { color: var(--ink); font-weight: 600; overflow-wrap: anywhere; }
details { border-top: 1px solid var(--rule); }
details:last-of-type { border-bottom: 1px solid var(--rule); }
summary { cursor: pointer; padding: 9px 0; font-size: 14px; font-weight: 600; }
details[open] { padding-bottom: 12px; }
pre { background: var(--card); border-radius: 8px; padding: 12px 14px;
  margin: 6px 0 0; font-size: 13px; line-height: 1.45; white-space: pre-wrap;
  overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 22px;
  margin: 0; font-size: 14px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--ink); font-size: 12px; }
svg .tick, svg .soft { fill: var(--soft); font-size: 12px; }
svg .name { fill: var(--soft); font-size: 12px; }
svg .strong { font-weight: 600; }
svg .tag, svg .tag-soft { paint-order: stroke; stroke: var(--page);
  stroke-width: 4px; stroke-linejoin: round; }
svg .tag { font-weight: 600; }
svg .tag-soft { fill: var(--soft); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .roof { stroke: var(--ink); stroke-width: 1.6; fill: none; }
svg .front { stroke: var(--soft); stroke-width: 1.5; fill: none;
  stroke-dasharray: 5 4; }
svg .bar { fill: var(--accent); }
svg .bins { fill: var(--s2); opacity: .75; }
svg .clip { stroke: var(--s4); stroke-width: 1.6; }
svg .clip-wide { stroke: var(--ink); stroke-width: 1.4;
  stroke-dasharray: 4 3; }
svg .same { fill: none; stroke: var(--rule); }
svg .cell { font-size: 10px; text-anchor: middle; }
svg .on-dark { fill: #fff; }
svg .on-light { fill: #16181b; }
svg .mark { stroke: var(--page); stroke-width: 1; }
svg .wide { stroke-width: 6; opacity: .45; }
svg .thin { stroke-width: 1.6; }
svg .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.s0 { fill: var(--s0); } .s1 { fill: var(--s1); } .s2 { fill: var(--s2); }
.s3 { fill: var(--s3); } .s4 { fill: var(--s4); } .s5 { fill: var(--s5); }
.s6 { fill: var(--s6); } .s7 { fill: var(--s7); }
.l0 { stroke: var(--s0); } .l1 { stroke: var(--s1); }
.l2 { stroke: var(--s2); } .l3 { stroke: var(--s3); }
.l4 { stroke: var(--s4); } .l5 { stroke: var(--s5); }
.l6 { stroke: var(--s6); } .l7 { stroke: var(--s7); }
@media (max-width: 600px) {
  main { padding: 24px 16px 48px; }
  h1 { font-size: 27px; }
  .hero { font-size: 19px; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .tile { padding: 12px 14px; }
  .tile .big { font-size: 23px; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 8px; }
  th, td { padding: 6px 9px; }
}
@page { size: A4; margin: 14mm; }
@media print {
  :root {
    --page: #fff; --card: #f5f6f8; --ink: #1c2127; --soft: #5b6570;
    --rule: #dde1e6; --accent: #0a63ad; --pick: #e8f1fa;
  }
  /* 182 mm are 688 px: as on a screen, but smaller. What is folded stays so. */
  main { zoom: 0.64; width: 1072px; max-width: none; padding: 0; }
  nav { display: none; }
  section { margin-top: 36px; }
  figure, tr, .tile, svg { break-inside: avoid; }
  h2, h3, .note, summary { break-after: avoid; }
  .tile, tr.pick th, tr.pick td, pre, svg, mark { print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }
}
)css";
}

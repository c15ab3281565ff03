"""How the report looks: one quiet page, light or dark as its reader, ready for paper."""

#: The style sheet of `taonet_core.report`.
STYLE = """
:root { color-scheme: light dark; --ink: #16181d; --paper: #fff; --quiet: #667; --line: #dde;
  --accent: #1668b3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e9ee; --paper: #101216; --quiet: #99a;
  --line: #2c2f3a; --accent: #66a9ea; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui,
  -apple-system, "Segoe UI", sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 960px; margin: 0 auto; padding: 32px 20px 60px; }
h1 { font-size: 26px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 36px 0 8px; padding-top: 12px; border-top: 1px solid var(--line); }
h3 { font-size: 14px; margin: 14px 0 2px; }
p, li, figcaption { overflow-wrap: anywhere; }
p { margin: 4px 0; }
ul { margin: 2px 0; padding-left: 20px; }
header p, .quiet, figcaption, summary { color: var(--quiet); font-size: 13.5px; }
summary { cursor: pointer; }
.tag { font-size: 13px; font-weight: 500; vertical-align: middle; color: var(--quiet);
  border: 1px solid var(--line); border-radius: 10px; padding: 1px 9px; }
.badge { white-space: nowrap; } .badge i { color: var(--class); font-style: normal; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th { text-align: left; font-weight: 600; color: var(--quiet); }
th, td { overflow-wrap: anywhere; min-width: 4em; }
th, td { padding: 3px 14px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
figure { margin: 8px 0 16px; }
svg { width: 100%; height: auto; display: block; overflow: visible; }
svg text { font-size: 11px; fill: var(--quiet); } svg .name { fill: var(--ink); }
svg .axis { fill: none; stroke: var(--quiet); } svg .grid { stroke: var(--line); }
svg .point { fill: var(--accent); } svg .hollow { fill: var(--paper); stroke: var(--accent); }
svg .error { stroke: var(--accent); stroke-opacity: 0.45; }
svg .limit { fill: none; stroke: var(--quiet); } svg .bar { fill: var(--accent); }
svg .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: 10px; }
.strip figure { margin: 0; }
.strip img { width: 100%; image-rendering: pixelated; display: block; background: var(--line); }
.strip figcaption { font-size: 11.5px; line-height: 1.35; }
.strip .bad img { opacity: 0.45; }
pre { background: color-mix(in srgb, var(--quiet) 10%, transparent); padding: 10px 12px;
  border-radius: 6px; overflow-x: auto; font-size: 12.5px; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; font-size: 13px; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 560px) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 6px; } }
@media print { :root { --ink: #000; --paper: #fff; --quiet: #555; --line: #ccc; }
  main { max-width: none; padding: 0; } section, figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; } }
"""

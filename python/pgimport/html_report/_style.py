"""The one style sheet, and the colours in it: light, dark, and on paper."""

from __future__ import annotations

# Names of colours and their values by day and by night. A test computes the contrasts.
COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#0f141a"),
    "panel": ("#f4f6f9", "#171e27"),
    "ink": ("#15202b", "#e9eef4"),
    "soft": ("#51606f", "#a5b3c2"),
    "rule": ("#d7dee6", "#2b3643"),
    "link": ("#0a58a8", "#85bcff"),
    "mark": ("#fff3c9", "#3a3114"),
    # over the edge of what scrolls
    "shade": ("#00000029", "#00000099"),
    "source": ("#60717f", "#8b9cac"),
    "inserted": ("#1a7f4b", "#3fb97c"),
    "updated": ("#1f6fc4", "#5aa2f0"),
    "unchanged": ("#4b8a99", "#79b3c0"),
    "duplicate": ("#b26a00", "#e0a54a"),
    "repeated": ("#8a6d1d", "#bfa14a"),
    "rejected": ("#c62f2f", "#f0716b"),
    "refused": ("#93246a", "#e07ab5"),
    "undone": ("#7a4fc2", "#b493f0"),
    "waiting": ("#6b7785", "#93a0ae"),
}

# colours of shapes: what they are called in the drawings
SHAPES = (
    "source", "inserted", "updated", "unchanged", "duplicate", "repeated", "rejected", "refused",
    "undone", "waiting",
)  # fmt: skip


def _scheme(place: int) -> str:
    return "".join(f"--{name}:{pair[place]};" for name, pair in COLOURS.items())


_SHAPE_RULES = "".join(f".{name}{{fill:var(--{name})}}" for name in SHAPES)

CSS = (
    f":root{{color-scheme:light dark;{_scheme(0)}}}"
    f"@media screen and (prefers-color-scheme:dark){{:root{{{_scheme(1)}}}}}"
    + _SHAPE_RULES
    + """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Arial,sans-serif;
font-variant-numeric:tabular-nums}
main,header,footer,nav{max-width:66rem;margin-inline:auto;padding-inline:1rem}
a{color:var(--link);text-underline-offset:.15em}
a:focus-visible,.frame:focus-visible,summary:focus-visible{outline:3px solid var(--link);
outline-offset:2px;border-radius:2px}
.skip{position:absolute;left:.5rem;top:-4rem;background:var(--paper);padding:.5rem 1rem;z-index:1}
.skip:focus{top:.5rem}
header{padding-block:2.5rem 0}
.brand{margin:0;color:var(--soft);font-size:.875rem;letter-spacing:.02em}
h1{font-size:clamp(1.6rem,1.1rem + 2.4vw,2.4rem);line-height:1.15;margin:.25rem 0 .75rem;
letter-spacing:-.015em;overflow-wrap:anywhere;text-wrap:balance}
h2{font-size:1.35rem;line-height:1.25;margin:0 0 .75rem;letter-spacing:-.01em}
h3{font-size:1rem;margin:1.5rem 0 .5rem}
p{margin:.5rem 0;max-width:46rem;overflow-wrap:anywhere}
.lead{font-size:1.125rem;max-width:44rem}
.state{display:inline-flex;align-items:center;gap:.5rem;border:1px solid var(--rule);
border-radius:2rem;padding:.125rem .75rem;font-weight:600;font-size:.9375rem}
.note,.soft{color:var(--soft);fill:var(--soft)}
.note{font-size:.9375rem}
.warning,.failure{border-inline-start:4px solid var(--duplicate);padding:.25rem .75rem;
background:var(--panel)}
.failure{border-color:var(--rejected)}
.sign{color:var(--soft);font-size:.85em}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;
font-size:.875em;overflow-wrap:anywhere}
.figures{list-style:none;display:flex;flex-wrap:wrap;gap:1px;margin:1.5rem 0;padding:0;
background:var(--rule);border:1px solid var(--rule);border-radius:.5rem;overflow:hidden}
.figures li{flex:1 1 9rem;background:var(--paper);padding:.75rem 1rem;display:flex;
flex-direction:column}
.figures b{font-size:1.375rem;line-height:1.3;font-weight:650;letter-spacing:-.01em}
.figures span{color:var(--soft);font-size:.875rem}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr));
gap:.5rem 2rem;margin:1rem 0}
.facts div{min-width:0;border-block-start:1px solid var(--rule);padding-block-start:.375rem}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0;overflow-wrap:anywhere}
nav{margin-block:1rem 0}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.125rem 1.25rem;margin:0;
padding:.625rem 0;border-block:1px solid var(--rule)}
nav a{display:inline-block;padding-block:.25rem}
section{padding-block:2.25rem 0}
.frame{overflow-x:auto;margin:.75rem 0;
background:linear-gradient(to right,var(--paper) 1.5rem,transparent)
left/2rem 100% no-repeat local,
linear-gradient(to left,var(--paper) 1.5rem,transparent)
right/2rem 100% no-repeat local,
linear-gradient(to right,var(--shade),transparent) left/.625rem 100% no-repeat scroll,
linear-gradient(to left,var(--shade),transparent) right/.625rem 100% no-repeat scroll}
.slim{max-width:46rem}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
caption{text-align:start;color:var(--soft);font-size:.875rem;padding-block-end:.5rem}
.unseen:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
white-space:nowrap}
th,td{text-align:start;vertical-align:baseline;padding:.4375rem .75rem .4375rem 0;
border-block-end:1px solid var(--rule);font-weight:400}
thead th{color:var(--soft);font-size:.8125rem;font-weight:600;white-space:nowrap;
vertical-align:bottom}
th:last-child,td:last-child{padding-inline-end:0}
.num{text-align:end;white-space:nowrap}
.wide{min-width:14rem}
.brief{white-space:nowrap}
.name{min-width:9rem;overflow-wrap:anywhere}
.gauge{min-width:4rem;width:16%}
.samples{min-width:16rem;width:38%}
details{margin-block:.75rem}
summary{cursor:pointer;color:var(--link);padding-block:.25rem}
.digest{white-space:nowrap}
.digest code{font-size:.75rem}
td ul{margin:0;padding:0;list-style:none}
td li+li{margin-block-start:.25rem}
tr:target{background:var(--mark)}
.drawing{margin:1rem 0}
svg{display:block;max-width:100%}
.dot{display:inline-block;margin-inline-end:.375rem}
.state .dot{margin:0}
.drawing svg{width:100%;height:auto;overflow:visible}
svg.wide{max-width:58rem;min-width:0}
svg.narrow{display:none}
text{font:500 14px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Arial,sans-serif;
fill:var(--ink)}
text.soft{font-weight:400;fill:var(--soft)}
text.strong{font-weight:650;font-size:17px}
text.small{font-size:12px}
.flow{fill-opacity:.38}
.rule{stroke:var(--rule);fill:none}
.track{fill:var(--rule);fill-opacity:.6}
.bar{width:100%;border-radius:2px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:.5rem 0;padding:0;
font-size:.875rem}
.legend li{display:inline-flex;align-items:center;gap:.375rem}
.checks{list-style:none;margin:.75rem 0;padding:0;max-width:46rem}
.checks li{display:grid;grid-template-columns:1.5rem 1fr;gap:.25rem;padding-block:.4375rem;
border-block-end:1px solid var(--rule)}
.checks svg{margin-block-start:.25rem}
.good{stroke:var(--inserted);fill:none}
.bad{stroke:var(--rejected);fill:none}
footer{padding-block:3rem 2rem;color:var(--soft);font-size:.875rem}
@media screen and (max-width:44rem){
svg.wide,.gauge{display:none}.wide{min-width:11rem}.samples{min-width:22rem}svg.narrow{display:block;max-width:26rem}
header{padding-block-start:1.5rem}
section{padding-block-start:1.75rem}}
@media print{
@page{margin:16mm 14mm}
html{font-size:9.5pt}
main,header,footer,nav{max-width:none;padding-inline:0}
.slim{max-width:none}
nav,.skip,summary{display:none}
details::details-content{content-visibility:visible;block-size:auto}
a{color:inherit;text-decoration:none}
h2,h3,caption{break-after:avoid}
tr,figure,.figures,.checks li,.facts div{break-inside:avoid}
thead{display:table-header-group}
.frame{overflow:visible;background:none}
table{font-size:8pt}
.wide,.name,.gauge,.samples{min-width:0}
.digest{white-space:normal}
.digest code{font-size:6.5pt}
th,td{overflow-wrap:anywhere}
rect,path,.figures,.state{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
@media (forced-colors:active){rect,path{forced-color-adjust:none}}
"""
)

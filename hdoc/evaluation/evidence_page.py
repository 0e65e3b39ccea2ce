"""The evidence of a data set as one HTML page that needs nothing else and can run nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape

from hdoc.evaluation.evidence import ClassEvidence, Evidence, sides
from hdoc.explanation import ModelIdentity
from hdoc.rendering.symbols import visible_line

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ground: #f6f7f8; --ink: #1b2026; --muted: #59636e;
  --line: #e1e4e8; --track: #eceef1; --for: #1a6cd0; --against: #c96200; }
@media (prefers-color-scheme: dark) { :root { --paper: #181c21; --ground: #101317; --ink: #e4e8ec;
  --muted: #9aa5b1; --line: #2c333b; --track: #262c33; --for: #408cf0; --against: #e27e1e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.5rem; background: var(--ground); color: var(--ink);
  font: 15px/1.55 Pretendard, "Apple SD Gothic Neo", "Noto Sans KR", "Noto Sans CJK KR", "Malgun Gothic",
  system-ui, sans-serif; word-break: keep-all; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.75rem; margin: 0 0 .5rem; } h2 { margin: 0 0 .75rem; font-size: 1.25rem; }
h3 { margin: 1rem 0 .25rem; font-size: .875rem; color: var(--muted); }
p { color: var(--muted); margin: 0 0 1rem; max-width: 60rem; }
nav { display: flex; flex-wrap: wrap; gap: .4rem .9rem; margin-bottom: 1.25rem; }
nav a { color: var(--for); }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.25rem 1.5rem; margin-bottom: 1.25rem; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 2rem; }
@media (max-width: 56rem) { .pair { grid-template-columns: minmax(0, 1fr); } }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th { text-align: right; font-weight: 600; color: var(--muted); padding: .2rem .4rem; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td { border-top: 1px solid var(--line); padding: .25rem .4rem; vertical-align: top; text-align: right;
  white-space: nowrap; }
td:first-child { white-space: normal; } td:nth-child(2) { width: 5rem; vertical-align: middle; }
.bar { display: block; width: 100%; height: .5rem; } .bar .track { fill: var(--track); }
.for .bar { fill: var(--for); } .against .bar { fill: var(--against); }
.for .bar .track, .against .bar .track { fill: var(--track); }
"""
_TITLES = {
    ("word", "for"): "Words for it",
    ("word", "against"): "Words against it",
    ("sentence", "for"): "Sentences for it",
    ("sentence", "against"): "Sentences against it",
}


def evidence_page(evidence: Sequence[ClassEvidence], model: ModelIdentity, data: str, centred: bool) -> str:
    """Return the page.

    Args:
        evidence: of all classes.
        model: which model's.
        data: name of the data set.
        centred: whether contributions are less their mean over the classes.
    """
    policy = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
    links = "".join(
        f'<a href="#c{i}">{escape(visible_line(found.label))}</a>' for i, found in enumerate(evidence)
    )
    centring = ", less the mean over all classes" if centred else ""
    body = "\n".join(_section(i, found) for i, found in enumerate(evidence))
    about = escape(visible_line(f"{model.name} {model.version} ({model.checksum[:8]}) on {data}"))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="hdoc">
<title>Evidence by class · hdoc</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>Evidence by class</h1>
<p>{about}. What argues most for and against each class over all documents: contributions to the class's
logit{centring}, summed over all occurrences; words from two documents on. “Of the class” is the share of the
documents with it whose right class it is. By-lines, headers and boiler-plate near the top are leaks: the
model may know the source, not the subject.</p>
<nav>{links}</nav>
</header>
<main>
{body}
</main>
</body>
</html>
"""


def _bar(share: float) -> str:
    """Return a bar as SVG, which needs no style attribute; the number beside it is what a reader hears."""
    return (
        '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="100" height="1"/><rect width="{share * 100:.1f}" height="1"/></svg>'
    )


def _section(i: int, found: ClassEvidence) -> str:
    lists = sides(found)
    words = "".join(_table(unit, side, items) for unit, side, items in lists[:2])
    sentences = "".join(_table(unit, side, items) for unit, side, items in lists[2:])
    label = escape(visible_line(found.label))
    return (
        f'<section id="c{i}"><h2><bdi>{label}</bdi> · {found.documents:,} documents</h2>'
        f'<div class="pair">{words}</div>{sentences}</section>'
    )


def _table(unit: str, side: str, items: Sequence[Evidence]) -> str:
    peak = max((abs(item.contribution) for item in items), default=1.0)
    rows = "".join(
        f"<tr><td><bdi>{escape(item.text)}</bdi></td><td>{_bar(abs(item.contribution) / peak)}</td>"
        f"<td>{item.contribution:+.2f}</td><td>{item.documents:,}</td><td>{item.share_of_class:.0%}</td></tr>"
        for item in items
    )
    head = f"<tr><th>{unit}</th><th></th><th>contribution</th><th>documents</th><th>of the class</th></tr>"
    return f'<div class="{side}"><h3>{_TITLES[unit, side]}</h3><table>{head}{rows}</table></div>'

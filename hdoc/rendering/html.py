"""Explanations as one HTML page that needs nothing else: no script, no network, its own style.

The page's content security policy allows only its style sheet, by its hash: nothing in a document or a label
can run or load.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files

from hdoc.explanation import Explanation
from hdoc.rendering.html_evidence import N_LEVELS, HtmlEvidence, bar
from hdoc.rendering.scale import coverage, probability, runner_up, top_labels
from hdoc.rendering.symbols import visible_line
from hdoc.rendering.wording import Language, Wording, subject_particle

_N_LABELS = 5


class Page:
    """Writes the explanations of one document as a page.

    Args:
        explanations: what to show: one, or one for each label of the document, most probable first.
        text: the document it explains, exactly as it was given.
        wording: the words to use.
        language: what those words are in.
    """

    def __init__(
        self, explanations: Sequence[Explanation], text: str, wording: Wording, language: Language
    ) -> None:
        self.explanations = explanations
        self.explanation = explanations[0]
        self.text = text
        self.wording = wording
        self.language = language

    def html(self, name: str | None) -> str:
        """Return the whole page."""
        style, style_hash = _style()
        policy = f"default-src 'none'; style-src '{style_hash}'; base-uri 'none'; form-action 'none'"
        title = " · ".join(
            [*([visible_line(name)] if name else []), self._question() or self._label(), "hdoc"]
        )
        return f"""<!doctype html>
<html lang="{self.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="hdoc">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<header>
{self._headline(name)}
{self._labels()}
</header>
{self._main()}
{self._footer()}
</body>
</html>
"""

    def _main(self) -> str:
        """Return the evidence; that of each label under its name if there are several."""
        if len(self.explanations) == 1:
            return f"<main>\n{self._evidence(self.explanation, '')}\n</main>"
        parts = []
        for n, found in enumerate(self.explanations, start=1):
            label, likely = visible_line(found.target), probability(found.probabilities[found.target])
            parts.append(
                f'<section class="one" aria-labelledby="label{n}">\n'
                f'<h2 class="target" id="label{n}"><bdi>{escape(label)}</bdi> '
                f'<span class="probability">{escape(likely)}</span></h2>\n'
                f"{self._evidence(found, f'label{n}-')}\n</section>"
            )
        return '<main class="several">\n' + "\n".join(parts) + "\n</main>"

    def _evidence(self, found: Explanation, prefix: str) -> str:
        evidence = HtmlEvidence(found, self.text, self.wording, prefix)
        return f"""<aside>
{evidence.top_sentences()}
{evidence.top_words()}
</aside>
<section class="article" aria-labelledby="{prefix}article">
<h2 id="{prefix}article">{self.wording.article}</h2>
{self._legend()}
{evidence.article()}
</section>"""

    def _label(self) -> str:
        if len(self.explanations) > 1:
            return " · ".join(visible_line(found.target) for found in self.explanations)
        return visible_line(self.explanation.label)

    def _question(self) -> str | None:
        """Return the question that a comparison answers, or None."""
        found = self.explanation
        if found.versus is None:
            return None
        versus = visible_line(found.versus)
        return self.wording.question.format(
            target=visible_line(found.target), versus=versus, subject=subject_particle(versus)
        )

    def _headline(self, name: str | None) -> str:
        found, words = self.explanation, self.wording
        document = f'<p class="name"><bdi>{escape(visible_line(name))}</bdi></p>' if name else ""
        question = self._question()
        if question:
            heading = f'<h1 class="question"><bdi>{escape(question)}</bdi></h1>'
            return f'<div class="headline">{document}{heading}</div>'
        if len(self.explanations) > 1:
            links = " ".join(
                f'<a href="#label{n}"><bdi>{escape(visible_line(each.target))}</bdi></a>'
                for n, each in enumerate(self.explanations, start=1)
            )
            return f"""<div class="headline">{document}<p class="kicker">{words.category}</p>
<h1 class="targets">{links}</h1></div>"""
        note = ""
        if found.target != found.label:
            likely = probability(found.probabilities[found.target])
            note = words.other_target.format(target=visible_line(found.target), probability=likely)
        if second := runner_up(found):
            label, likely = visible_line(second[0]), probability(second[1])
            note = words.doubtful.format(label=label, probability=likely)
        if note:
            note = f'<p class="note">{escape(note)}</p>'
        return f"""<div class="headline">{document}<p class="kicker">{words.category}</p>
<h1><bdi>{escape(self._label())}</bdi></h1>
<p class="probability">{escape(probability(found.probability))}</p>{note}</div>"""

    def _labels(self) -> str:
        """Return the most probable labels as bars."""
        found = self.explanation
        sides = {each.target: "f" for each in self.explanations}
        if found.versus is not None:
            sides[found.versus] = "a"
        rows = "\n".join(
            f'<tr class="{sides.get(label, "n")}">'
            f'<th scope="row"><bdi>{escape(visible_line(label))}</bdi></th>'
            f"<td>{bar(value)}</td><td>{escape(probability(value))}</td></tr>"
            for label, value in top_labels(found, _N_LABELS)
        )
        return f'<table class="labels"><caption>{self.wording.labels}</caption>\n{rows}\n</table>'

    def _legend(self) -> str:
        found, words = self.explanation, self.wording
        supports, opposes = words.supports, words.opposes
        if found.versus is not None:
            supports = words.side.format(label=visible_line(found.target))
            opposes = words.side.format(label=visible_line(found.versus))
        steps = {
            side: "".join(f'<i class="{side} v{level}"></i>' for level in range(2, N_LEVELS + 1, 2))
            for side in ("f", "a")
        }
        return f"""<p class="legend">
<span><span class="steps" aria-hidden="true">{steps["f"]}</span> + {escape(supports)}</span>
<span><span class="steps" aria-hidden="true">{steps["a"]}</span> − {escape(opposes)}</span>
<span><mark class="f v7">{words.strongest_word}</mark> <mark class="a v7">{words.strongest_word}</mark></span>
</p>"""

    def _footer(self) -> str:
        """Return the model, the method and the score, and what the numbers mean."""
        found, words = self.explanation, self.wording
        n_words = sum(len(sentence.words) for sentence in found.sentences)
        other_method = words.other_method.format(method=visible_line(found.method))
        caution = words.caution if found.method == "contribution" else other_method
        facts = {
            words.model: f"{found.model.name} {found.model.version}",
            words.checksum: found.model.checksum,
            words.method: found.method,
            words.coverage: words.read.format(
                coverage=coverage(found.coverage), sentences=len(found.sentences), words=n_words
            ),
            words.score: " · ".join(self._sum(each) for each in self.explanations),
        }
        rows = "\n".join(
            f"<div><dt>{name}</dt><dd><bdi>{escape(visible_line(fact))}</bdi></dd></div>"
            for name, fact in facts.items()
        )
        return f"""<footer aria-labelledby="about">
<h2 id="about">{words.about}</h2>
<p>{words.meaning} {escape(caution)}</p>
<dl>
{rows}
</dl>
</footer>"""

    def _sum(self, found: Explanation) -> str:
        """Return the score as a sum of its parts, with the label's name if there are several."""
        of_sentences = sum(sentence.contribution for sentence in found.sentences)
        total = self.wording.sum.format(logit=found.logit, bias=found.bias, sentences=of_sentences)
        return total if len(self.explanations) == 1 else f"{visible_line(found.target)}: {total}"


@cache
def _style() -> tuple[str, str]:
    """Return the style sheet and its hash as a content security policy names it."""
    style = files("hdoc.rendering").joinpath("style.css").read_text("utf-8")
    return style, f"sha256-{b64encode(sha256(style.encode()).digest()).decode()}"

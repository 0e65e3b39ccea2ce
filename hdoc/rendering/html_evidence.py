"""The parts of the HTML page that show evidence: the marked text and the strongest sentences and words.

Shades are classes, `f` (for) or `a` (against) with `v1` to `v10`, and bars are SVG, as the page's content
security policy forbids style attributes. Only marked words have elements, so the page of a long document is
only a few times as large as its text.
"""

from __future__ import annotations

from html import escape

from hdoc.explanation import Explanation, SentenceShare, WordShare
from hdoc.rendering.scale import (
    Scale,
    marked_words,
    percentage,
    strongest_sentences,
    strongest_words,
    words_of,
)
from hdoc.rendering.symbols import clip, visible, visible_line
from hdoc.rendering.wording import Wording

N_LEVELS = 10
_N_SENTENCES, _N_WORDS = 6, 10
_CLIPPED_SENTENCE, _CLIPPED_WORD = 120, 24


def bar(share: float) -> str:
    """Return a bar that is filled to `share`, 0 to 1; screen readers read the number beside it instead."""
    width = f"{min(max(share, 0.0), 1.0) * 100:.1f}"
    return (
        '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="100" height="1"/><rect width="{width}" height="1"/></svg>'
    )


def _side(contribution: float) -> str:
    return "a" if contribution < 0 else "f"


def _shade(contribution: float, scale: Scale) -> str:
    """Return the classes of a side and level, none for what is too weak to show."""
    level = scale.level(contribution, N_LEVELS)
    return f"{_side(contribution)} v{level}" if level else ""


def _share(contribution: float, scale: Scale) -> str:
    return percentage(scale.share(contribution)).replace("-", "−")


class HtmlEvidence:
    """Writes the evidence of one explanation.

    Args:
        explanation: what to show.
        text: the document it explains, exactly as it was given.
        wording: the words to use.
        prefix: of all ids, where a page shows several explanations.
    """

    def __init__(self, explanation: Explanation, text: str, wording: Wording, prefix: str = "") -> None:
        self.explanation = explanation
        self.prefix = prefix
        self.text = text
        self.wording = wording
        self.sentence_scale = Scale.over(explanation.sentences)
        self.word_scale = Scale.over(words_of(explanation))
        self.marked = marked_words(explanation)
        self.ranks = {
            index: rank for rank, index in enumerate(strongest_sentences(explanation, _N_SENTENCES), start=1)
        }

    def article(self) -> str:
        """Return the text, its own line breaks kept; a blank line starts a paragraph."""
        if not self.explanation.sentences:
            return f'<div class="text"><p>{self.wording.empty}</p></div>'
        parts = []
        end = 0
        for index, sentence in enumerate(self.explanation.sentences):
            gap = visible(self.text[end : sentence.start])
            if index and gap.count("\n") >= 2:
                parts.append("</p><p>")
                gap = gap.replace("\n", "", 2)  # the paragraphs' own distance stands for these two
            parts.append(escape(gap))
            parts.append(self._sentence(index, sentence))
            end = sentence.end
        return f'<div class="text" lang="ko" dir="auto"><p>{"".join(parts)}</p></div>'

    def _sentence(self, index: int, sentence: SentenceShare) -> str:
        """Return a sentence with its shade, its marked words and, if it ranks, a link to its rank."""
        parts = []
        end = sentence.start
        for word in sentence.words:
            if word in self.marked:
                parts.append(escape(visible(self.text[end : word.start])))
                parts.append(self._mark(word))
                end = word.end
        parts.append(escape(visible(self.text[end : sentence.end])))
        place = ""
        if rank := self.ranks.get(index):
            place = f' id="{self.prefix}s{rank}"'
            back = self.wording.back.format(rank=rank)
            parts.append(f'<a class="rank" href="#{self.prefix}r{rank}" aria-label="{back}">{rank}</a>')
        classes = f"s {_shade(sentence.contribution, self.sentence_scale)}".strip()
        title = self._weight(sentence.contribution, self.sentence_scale)
        return f'<span{place} class="{classes}" title="{title}">{"".join(parts)}</span>'

    def _mark(self, word: WordShare) -> str:
        shade = _shade(word.contribution, self.word_scale)
        title = self._weight(word.contribution, self.word_scale)
        spelling = escape(visible(self.text[word.start : word.end]))
        return f'<mark class="{shade}" title="{title}">{spelling}</mark>'

    def _weight(self, contribution: float, scale: Scale) -> str:
        """Return the percentage and the exact contribution, which the pointer brings up."""
        amount = f"{contribution:+.4f}".replace("-", "−")
        return f"{_share(contribution, scale)} · {self.wording.contribution} {amount}"

    def top_sentences(self) -> str:
        """Return the strongest sentences as a ranked list, each linked to its place in the text."""
        rows = []
        for index, rank in self.ranks.items():
            sentence = self.explanation.sentences[index]
            amount = sentence.contribution
            spelling = clip(visible_line(self.text[sentence.start : sentence.end]), _CLIPPED_SENTENCE)
            rows.append(
                f'<li id="{self.prefix}r{rank}" class="{_side(amount)}"><a href="#{self.prefix}s{rank}">'
                f'<span class="share" title="{self._weight(amount, self.sentence_scale)}">'
                f"{_share(amount, self.sentence_scale)}</span>{bar(abs(amount) / self.sentence_scale.peak)}"
                f"<bdi>{escape(spelling)}</bdi></a></li>"
            )
        heading = f'<h2 id="{self.prefix}sentences">{self.wording.sentences}</h2>'
        return (
            f'<section aria-labelledby="{self.prefix}sentences">{heading}\n<ol>{"".join(rows)}</ol></section>'
        )

    def top_words(self) -> str:
        """Return the strongest words; equal words are summed."""
        rows = []
        for group in strongest_words(self.explanation, self.text, _N_WORDS):
            n_times = len(group.occurrences)
            times = f' <span class="times">×{n_times}</span>' if n_times > 1 else ""
            title = self._weight(group.contribution, self.word_scale)
            rows.append(
                f'<li class="{_side(group.contribution)}" title="{title}">'
                f"<bdi>{escape(clip(visible_line(group.text), _CLIPPED_WORD))}</bdi>{times} "
                f'<span class="share">{_share(group.contribution, self.word_scale)}</span></li>'
            )
        heading = f'<h2 id="{self.prefix}words">{self.wording.words}</h2>'
        return f'<section aria-labelledby="{self.prefix}words">{heading}\n<ul>{"".join(rows)}</ul></section>'

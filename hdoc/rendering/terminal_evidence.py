"""The parts of the terminal view that show evidence: the marked text and the strongest sentences and words.

Each sentence has lines of its own beside a margin with its percentage and bar, so contributions can be read
without colours: in a pipe, on paper, under NO_COLOR. Colours shade the sentence too.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hdoc.explanation import Explanation, SentenceShare, WordShare, by_strength
from hdoc.rendering.palette import Palette, bar
from hdoc.rendering.scale import (
    Scale,
    marked_words,
    percentage,
    strongest_sentences,
    strongest_words,
    words_of,
)
from hdoc.rendering.symbols import clip, n_line_breaks, visible, visible_line
from hdoc.rendering.wording import Wording

# Up to this many sentences the whole text is shown, of longer texts the strongest sentences.
WHOLE_TEXT, SHOWN_OF_LONG_TEXT = 60, 40
# A text without full stops is one sentence; of a very long sentence the view shows what is near its strongest
# words.
_LONG_SENTENCE, _KEPT_WORDS, _NEIGHBOURS = 1_200, 8, 6
_LONG_WORD = 80
_MOST_BLANK_LINES = 2
_MARGIN = 6
_MOST_PLACES = 3
_ELISION = " … "


class TerminalEvidence:
    """Draws the evidence of one explanation.

    Args:
        explanation: what to draw.
        text: the document it explains, exactly as it was given.
        wording: the words to use.
        palette: the colours to use.
    """

    def __init__(self, explanation: Explanation, text: str, wording: Wording, palette: Palette) -> None:
        self.explanation = explanation
        self.text = text
        self.wording = wording
        self.palette = palette
        self.sentence_scale = Scale.over(explanation.sentences)
        self.word_scale = Scale.over(words_of(explanation))
        self.marked = marked_words(explanation)

    def article(self) -> RenderableType:
        """Lay the text out, one row a sentence, with the text's own line breaks."""
        sentences = self.explanation.sentences
        if not sentences:
            return Text(self.wording.empty, self.palette.faint)
        shown = self._shown()
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=_MARGIN, justify="right", no_wrap=True)
        table.add_column(width=_MARGIN, no_wrap=True)
        table.add_column(overflow="fold")
        end = 0
        left_out: list[SentenceShare] = []
        for index, sentence in enumerate(sentences):
            if index not in shown:
                left_out.append(sentence)
                continue
            if left_out:
                table.add_row("", "", self._left_out(left_out))
                left_out = []
            else:
                n_blank = min(n_line_breaks(self.text[end : sentence.start]) - 1, _MOST_BLANK_LINES)
                for _ in range(n_blank if index else 0):
                    table.add_row()
            table.add_row(*self._margin(sentence), self._sentence(sentence))
            end = sentence.end
        if left_out:
            table.add_row("", "", self._left_out(left_out))
        return table

    def _shown(self) -> set[int]:
        """Return the indices of the sentences to show: all, or a long text's strongest."""
        n_sentences = len(self.explanation.sentences)
        if n_sentences <= WHOLE_TEXT:
            return set(range(n_sentences))
        return set(strongest_sentences(self.explanation, SHOWN_OF_LONG_TEXT))

    def _margin(self, sentence: SentenceShare) -> tuple[Text, Text]:
        """Return a sentence's percentage and bar."""
        amount, scale = sentence.contribution, self.sentence_scale
        length = abs(amount) / scale.peak if scale.peak else 0.0
        tint = self.palette.colour(amount)
        return Text(percentage(scale.share(amount)), tint), Text(bar(length, _MARGIN), tint)

    def _left_out(self, sentences: list[SentenceShare]) -> Text:
        """Return the line that stands for sentences which are not shown."""
        share = self.sentence_scale.share(sum(sentence.contribution for sentence in sentences))
        return Text(
            self.wording.left_out.format(n=len(sentences), share=percentage(share)), self.palette.faint
        )

    def _sentence(self, sentence: SentenceShare) -> Text:
        """Return a sentence with its shade and its marked words."""
        level = self.sentence_scale.level(sentence.contribution, self.palette.n_levels)
        line = Text()
        end = sentence.start
        for word in _excerpt(sentence):
            if word is None:
                line.append(_ELISION)
                continue
            if not line.plain.endswith(_ELISION):
                line.append(visible(self.text[end : word.start]))
            spelling = visible(clip(self.text[word.start : word.end], _LONG_WORD))
            marked = word in self.marked
            line.append_text(self.palette.marked(spelling, word.contribution) if marked else Text(spelling))
            end = word.end
        line.stylize_before(self.palette.shade(sentence.contribution, level))
        return line

    def top_sentences(self, n_sentences: int) -> RenderableType:
        """Return the strongest sentences as a ranked list."""
        table = _ranking(self.palette.faint)
        for rank, index in enumerate(strongest_sentences(self.explanation, n_sentences), start=1):
            sentence = self.explanation.sentences[index]
            amount = Text(f"{sentence.contribution:+.3f}")
            place = Text(f" [{sentence.start}:{sentence.end}]", self.palette.faint)
            line = self._sentence(sentence).append_text(place)
            table.add_row(str(rank), *self._margin(sentence), amount, line)
        return Group(Text(self.wording.sentences, "bold"), table)

    def top_words(self, n_words: int) -> RenderableType:
        """Return the strongest words as a ranked list; equal words are summed."""
        groups = strongest_words(self.explanation, self.text, n_words)
        peak = max((abs(group.contribution) for group in groups), default=0.0)
        table = _ranking(self.palette.faint)
        for rank, group in enumerate(groups, start=1):
            tint = self.palette.colour(group.contribution)
            share = Text(percentage(self.word_scale.share(group.contribution)), tint)
            length = Text(bar(abs(group.contribution) / peak if peak else 0.0, _MARGIN), tint)
            places = " ".join(f"[{word.start}:{word.end}]" for word in group.occurrences[:_MOST_PLACES])
            rest = len(group.occurrences) - _MOST_PLACES
            line = Text(visible_line(clip(group.text, _LONG_WORD)), "bold")
            line.append(
                f"  {places}{f' +{rest}' if rest > 0 else ''}", f"not bold {self.palette.faint}".strip()
            )
            table.add_row(str(rank), share, length, Text(f"{group.contribution:+.3f}"), line)
        return Group(Text(self.wording.words, "bold"), table)


def _ranking(faint: str) -> Table:
    """Return an empty table of rank, percentage, bar, contribution and text."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=3, justify="right", no_wrap=True, style=faint)
    table.add_column(width=_MARGIN, justify="right", no_wrap=True)
    table.add_column(width=_MARGIN, no_wrap=True)
    table.add_column(width=8, justify="right", no_wrap=True, style=faint)
    table.add_column(overflow="fold")
    return table


def _excerpt(sentence: SentenceShare) -> list[WordShare | None]:
    """Return a sentence's words; of a very long one those near its strongest words, None for each gap."""
    words = sentence.words
    if sentence.end - sentence.start <= _LONG_SENTENCE:
        return list(words)
    kept = {
        neighbour
        for centre in [0, *by_strength(words)[:_KEPT_WORDS]]
        for neighbour in range(centre - _NEIGHBOURS, centre + _NEIGHBOURS + 1)
    }
    excerpt: list[WordShare | None] = []
    for place, word in enumerate(words):
        if place in kept:
            excerpt.append(word)
        elif excerpt and excerpt[-1] is not None:
            excerpt.append(None)
    return excerpt

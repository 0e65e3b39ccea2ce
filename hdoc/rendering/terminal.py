"""An explanation in a terminal, drawn with rich.

Every sentence stands on lines of its own beside a margin with its percentage and bar, so the weights can
be read without any colour: in a pipe, on paper, under NO_COLOR. Where there is colour, it is shaded too.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hdoc.explanation import Explanation, SentenceShare, WordShare
from hdoc.rendering.palette import Palette, bar
from hdoc.rendering.scale import (
    Scale,
    coverage,
    marked_words,
    percentage,
    probability,
    strongest_sentences,
    strongest_words,
    top_labels,
    words_of,
)
from hdoc.rendering.symbols import clip, n_line_breaks, visible, visible_line
from hdoc.rendering.wording import Wording, subject_particle

# A line of text wider than this is tiring to read, however wide the window.
_WIDEST, _NARROWEST = 100, 30
_N_LABELS = 5
# Up to this many sentences the whole text is shown, of longer texts the strongest sentences.
_WHOLE_TEXT, _SHOWN_OF_LONG_TEXT = 60, 40
# A "sentence" without full stops can be a whole document: keep what is near its strongest words.
_LONG_SENTENCE, _KEPT_WORDS, _NEIGHBOURS = 1_200, 8, 6
_LONG_WORD = 80
_MOST_BLANK_LINES = 2
_MARGIN = 6
_MOST_PLACES = 3
_ELISION = " … "


class TerminalView:
    """Draws one explanation for one console.

    Args:
        explanation: what to draw.
        text: the document it explains, exactly as it was given.
        wording: the words to use.
        console: whose width and colours decide the look; nothing is printed on it here.
    """

    def __init__(self, explanation: Explanation, text: str, wording: Wording, console: Console) -> None:
        self.explanation = explanation
        self.text = text
        self.wording = wording
        self.palette = Palette.of(console)
        self.width = max(min(console.width, _WIDEST), _NARROWEST) - 2
        self.sentence_scale = Scale.over(explanation.sentences)
        self.word_scale = Scale.over(words_of(explanation))
        self.marked = marked_words(explanation)

    def whole(self, name: str | None) -> RenderableType:
        """Return headline, labels and the text with its evidence."""
        return self._page(
            self._headline(name), self._labels(), self._legend(), self._article(), self._footer()
        )

    def ranked(self, name: str | None, n_strongest: int) -> RenderableType:
        """Return headline, labels and the strongest sentences and words."""
        sentences, words = self._top_sentences(n_strongest), self._top_words(n_strongest)
        return self._page(
            self._headline(name), self._labels(), self._legend(), sentences, words, self._footer()
        )

    def _page(self, *parts: RenderableType) -> RenderableType:
        return Padding(Group(*(Padding(part, (1, 0, 0, 0)) for part in parts)), (0, 1, 1, 1))

    def _headline(self, name: str | None) -> Text:
        """Name the category, or ask the question that a comparison answers."""
        found, words = self.explanation, self.wording
        target = visible_line(found.target)
        line = Text()
        if name:
            line.append(clip(visible_line(name), self.width) + "\n", self.palette.faint)
        if found.versus is not None:
            versus = visible_line(found.versus)
            particle = subject_particle(versus)
            return line.append(words.question.format(target=target, versus=versus, subject=particle), "bold")
        line.append(f"{words.category}  ", self.palette.faint)
        line.append(visible_line(found.label), "bold").append(f"  {probability(found.probability)}")
        if found.target != found.label:
            likely = probability(found.probabilities[found.target])
            line.append("\n" + words.other_target.format(target=target, probability=likely))
        return line

    def _labels(self) -> Table:
        """Draw the most probable labels as bars."""
        found = self.explanation
        labels = top_labels(found, _N_LABELS)
        widest = max((cell_len(visible_line(label)) for label, _ in labels), default=0)
        label_width = min(widest, self.width // 2)
        n_cells = max(min(self.width - label_width - 10, 40), 4)
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=label_width, no_wrap=True, overflow="ellipsis")
        table.add_column(width=n_cells, no_wrap=True)
        table.add_column(width=6, justify="right", no_wrap=True)
        for label, value in labels:
            tint = {found.target: self.palette.supports, found.versus: self.palette.opposes}.get(
                label, self.palette.faint
            )
            weight = "bold" if label == found.target else ""
            length = Text(bar(value, n_cells), tint)
            table.add_row(Text(visible_line(label), weight), length, Text(probability(value), weight))
        return table

    def _legend(self) -> Text:
        """Say what signs, colours and marks mean."""
        found, words = self.explanation, self.wording
        supports, opposes = words.supports, words.opposes
        if found.versus is not None:
            supports = words.side.format(label=visible_line(found.target))
            opposes = words.side.format(label=visible_line(found.versus))
        line = Text().append("█ +", self.palette.supports).append(f" {supports}   ")
        line.append("█ -", self.palette.opposes).append(f" {opposes}   ")
        line.append_text(self.palette.marked(words.strongest_word, 1.0))
        if not self.palette.in_colour:
            line.append("  ").append_text(self.palette.marked(words.strongest_word, -1.0))
        return line

    def _article(self) -> RenderableType:
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
        if n_sentences <= _WHOLE_TEXT:
            return set(range(n_sentences))
        return set(strongest_sentences(self.explanation, _SHOWN_OF_LONG_TEXT))

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

    def _top_sentences(self, n_sentences: int) -> RenderableType:
        """Return the strongest sentences as a ranked list."""
        table = _ranking(self.palette.faint)
        for rank, index in enumerate(strongest_sentences(self.explanation, n_sentences), start=1):
            sentence = self.explanation.sentences[index]
            amount = Text(f"{sentence.contribution:+.3f}")
            place = Text(f" [{sentence.start}:{sentence.end}]", self.palette.faint)
            line = self._sentence(sentence).append_text(place)
            table.add_row(str(rank), *self._margin(sentence), amount, line)
        return Group(Text(self.wording.sentences, "bold"), table)

    def _top_words(self, n_words: int) -> RenderableType:
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

    def _footer(self) -> Text:
        """Say which model read how much of the text, and how to see what is not shown."""
        found, words = self.explanation, self.wording
        n_words = sum(len(sentence.words) for sentence in found.sentences)
        n_sentences = len(found.sentences)
        read = words.read.format(coverage=coverage(found.coverage), sentences=n_sentences, words=n_words)
        model = visible_line(f"{found.model.name} {found.model.version} ({found.model.checksum[:8]})")
        line = Text(f"{model} · {words.coverage} {read}", self.palette.faint)
        if n_sentences > _WHOLE_TEXT:
            line.append("\n" + words.shortened.format(n=n_sentences, shown=_SHOWN_OF_LONG_TEXT))
        return line


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
    order = sorted(range(len(words)), key=lambda place: -abs(words[place].contribution))
    kept = {
        neighbour
        for centre in [0, *order[:_KEPT_WORDS]]
        for neighbour in range(centre - _NEIGHBOURS, centre + _NEIGHBOURS + 1)
    }
    excerpt: list[WordShare | None] = []
    for place, word in enumerate(words):
        if place in kept:
            excerpt.append(word)
        elif excerpt and excerpt[-1] is not None:
            excerpt.append(None)
    return excerpt

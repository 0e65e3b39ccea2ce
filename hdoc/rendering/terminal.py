"""An explanation in a terminal, drawn with rich: headline, labels, legend, evidence and model."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hdoc.explanation import Explanation
from hdoc.rendering.palette import Palette, bar
from hdoc.rendering.scale import coverage, probability, runner_up, top_labels
from hdoc.rendering.symbols import clip, visible_line
from hdoc.rendering.terminal_evidence import SHOWN_OF_LONG_TEXT, WHOLE_TEXT, TerminalEvidence
from hdoc.rendering.wording import Wording, subject_particle

# A line of text wider than this is tiring to read, however wide the window.
_WIDEST, _NARROWEST = 100, 30
_N_LABELS = 5


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
        self.wording = wording
        self.palette = Palette.of(console)
        self.width = max(min(console.width, _WIDEST), _NARROWEST) - 2
        self.evidence = TerminalEvidence(explanation, text, wording, self.palette)

    def whole(self, name: str | None) -> RenderableType:
        """Return headline, labels and the text with its evidence."""
        n_sentences = len(self.explanation.sentences)
        note = self.wording.shortened.format(n=n_sentences, shown=SHOWN_OF_LONG_TEXT)
        article = self.evidence.article()
        return self._page(name, article, *([Text(note)] if n_sentences > WHOLE_TEXT else []))

    def ranked(self, name: str | None, n_strongest: int) -> RenderableType:
        """Return headline, labels and the strongest sentences and words."""
        return self._page(
            name, self.evidence.top_sentences(n_strongest), self.evidence.top_words(n_strongest)
        )

    def _page(self, name: str | None, *evidence: RenderableType) -> RenderableType:
        parts = [self._headline(name), self._labels(), self._legend(), *evidence, self._footer()]
        page = Padding(Group(*(Padding(part, (1, 0, 0, 0)) for part in parts)), (0, 1, 1, 1))
        return Constrain(page, self.width + 2)

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
        if second := runner_up(found):
            label, likely = visible_line(second[0]), probability(second[1])
            line.append("\n" + words.doubtful.format(label=label, probability=likely))
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
        tints = {found.versus: self.palette.opposes, found.target: self.palette.supports}
        for label, value in labels:
            tint = tints.get(label, self.palette.faint)
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

    def _footer(self) -> Text:
        """Say which model read how much of the text, and explain scores that are no contributions."""
        found, words = self.explanation, self.wording
        n_words = sum(len(sentence.words) for sentence in found.sentences)
        read = words.read.format(
            coverage=coverage(found.coverage), sentences=len(found.sentences), words=n_words
        )
        model = visible_line(f"{found.model.name} {found.model.version} ({found.model.checksum[:8]})")
        line = Text(f"{model} · {words.coverage} {read}", self.palette.faint)
        if found.method != "contribution":
            line.append("\n" + words.other_method.format(method=visible_line(found.method)))
        return line

"""Colours and bars for a terminal whose background is unknown.

The weakest shade is coloured type; stronger ones are white type on a background that gets more vivid but
hardly darker. So the order looks the same on a dark and on a light terminal, and every pair of colours has
the contrast of WCAG AA on black and on white. Colour-blind readers can tell blue (for) from orange (against);
without colours, signs around a word say the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, n_cells: int) -> str:
    """Return a bar of `n_cells` cells, filled to an eighth of a cell; never empty for a share above zero."""
    eighths = max(round(min(share, 1.0) * n_cells * 8), int(share > 0))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(n_cells)


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours that one console can show, as style names of rich.

    Attributes:
        in_colour: whether it shows colours.
        faint: for text of little weight.
        supports: for numbers and bars of evidence for the target.
        opposes: for those of evidence against it.
        support_shades: for a sentence that supports the target, by level, from none to the strongest.
        oppose_shades: the same for a sentence that opposes it.
    """

    in_colour: bool
    faint: str
    supports: str
    opposes: str
    support_shades: tuple[str, ...]
    oppose_shades: tuple[str, ...]

    @classmethod
    def of(cls, console: Console) -> Palette:
        """Return the colours for what a console says that it can show."""
        if console.color_system is None or console.no_color:
            return _COLOURLESS
        return {"truecolor": _MANY, "256": _CUBE}.get(console.color_system, _SIXTEEN)

    @property
    def n_levels(self) -> int:
        """How many shades there are beside none."""
        return len(self.support_shades) - 1

    def colour(self, contribution: float) -> str:
        """Return the colour of a number or bar."""
        return self.opposes if contribution < 0 else self.supports

    def shade(self, contribution: float, level: int) -> str:
        """Return the style of a sentence."""
        return (self.oppose_shades if contribution < 0 else self.support_shades)[level]

    def marked(self, spelling: str, contribution: float) -> Text:
        """Return a marked word: in bold type, or between signs where there are no colours."""
        if self.in_colour:
            return Text(spelling, "bold underline")
        sign = "~~" if contribution < 0 else "**"
        return Text(f"{sign}{spelling}{sign}")


_MANY = Palette(
    in_colour=True,
    faint="#767676",
    supports="#2176cf",
    opposes="#b0620f",
    support_shades=("", "#2176cf", "#ffffff on #4a6f9b", "#ffffff on #3370b5", "#ffffff on #1a6cd0"),
    oppose_shades=("", "#b0620f", "#ffffff on #896744", "#ffffff on #9c622a", "#ffffff on #b25905"),
)
# The nearest of the 256 fixed colours would turn muted blue into purple.
_CUBE = Palette(
    in_colour=True,
    faint="color(243)",
    supports="color(32)",
    opposes="color(130)",
    support_shades=("", "color(32)", *(f"color(231) on color({number})" for number in (24, 25, 26))),
    oppose_shades=("", "color(130)", *(f"color(231) on color({number})" for number in (94, 130, 130))),
)
# The palette of sixteen belongs to the user: there is no orange, and yellow cannot be read on white.
_SIXTEEN = Palette(
    in_colour=True,
    faint="bright_black",
    supports="bright_blue",
    opposes="red",
    support_shades=("", "bright_blue", *["bright_white on blue"] * 3),
    oppose_shades=("", "red", *["bright_white on red"] * 3),
)
_COLOURLESS = Palette(
    in_colour=False, faint="", supports="", opposes="", support_shades=("",) * 5, oppose_shades=("",) * 5
)

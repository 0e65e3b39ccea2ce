"""Colours and bars for a terminal whose background nobody knows.

The weakest shade is coloured type, the stronger ones are blocks that bring their own white type and grow
more vivid, hardly darker: so the order reads the same on a dark and on a light terminal, and every pair of
colours keeps the contrast of WCAG AA on black and on white. Blue (for) and orange (against) are told apart
by colour-blind readers too; where there is no colour at all, signs around a word take over.
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
    """What one console can show; colours are rich style names.

    Attributes:
        in_colour: whether it shows colours.
        faint: of what stands aside.
        supports: of what speaks for the target.
        opposes: of what speaks against it.
        support_shades: of a sentence for the target by level, from none to the strongest.
        oppose_shades: the same for a sentence against it.
    """

    in_colour: bool
    faint: str
    supports: str
    opposes: str
    support_shades: tuple[str, ...]
    oppose_shades: tuple[str, ...]

    @classmethod
    def of(cls, console: Console) -> Palette:
        """Choose by what the console says of itself."""
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
        """Return a word as one of the strongest: by type in colour, by signs without."""
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

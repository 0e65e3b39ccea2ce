"""How each kind of table of a result is shown: its columns, and a cell of a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]


def markdown(kind: str, rows: Sequence[Row]) -> str:
    """Return a table in Markdown; columns in which no row says anything are left out.

    Args:
        kind: of `KINDS`.
        rows: of figures, as in `Result.tables`.
    """
    columns = [(name, [cell(row) for row in rows]) for name, cell in KINDS[kind]]
    kept = [(name, cells) for name, cells in columns if any(cells)]
    lines = [f"| {' | '.join(name for name, _ in kept)} |", "|---|" + "---:|" * (len(kept) - 1)]
    lines += [f"| {' | '.join(cells)} |" for cells in zip(*(cells for _, cells in kept), strict=True)]
    return "\n".join(lines)


def _text(name: str) -> Callable[[Row], str]:
    return lambda row: "" if row.get(name) is None else str(row[name])


def _number(name: str, form: str, unit: str = "", scale: float = 1) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        return "" if row.get(name) is None else _signed(f"{row[name] * scale:{form}}{unit}")

    return cell


def _percent(name: str) -> Callable[[Row], str]:
    return _number(name, ".1f", scale=100)


def _signed(figure: str) -> str:
    return figure.replace("-", "−") if "e-" not in figure else figure


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def _spread(row: Row) -> str:
    """Return a ratio with the lowest and the highest of its rounds."""
    if row.get("low") is None or row["low"] == row["high"]:
        return _short(row["ratio"])
    return f"{_short(row['ratio'])} ({_short(row['low'])}–{_short(row['high'])})"


def _macro_f1(row: Row) -> str:
    deviation = "" if row.get("deviation") is None else f" ± {100 * row['deviation']:.1f}"
    return f"{100 * row['macro_f1']:.1f}{deviation}"


def _difference(row: Row) -> str:
    if row.get("difference") is None:
        return ""
    if row["entry"] == "hdoc":
        return "0"
    low, high = row["difference_low"], row["difference_high"]
    return _signed(f"{100 * row['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})")


def _erased(unit: str, name: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        found = row.get(unit)
        if not found:
            return ""
        low, high = found[f"{name}_interval"]
        return _signed(f"{found[name]:.3f} ({low:.3f} to {high:.3f})")

    return cell


def _area(name: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        if row.get(name) is None:
            return ""
        if row.get(f"{name}_interval") is None:
            return f"{row[name]:.3f}"
        low, high = row[f"{name}_interval"]
        return f"{row[name]:.3f} ({low:.3f} to {high:.3f})"

    return cell


def _rate(row: Row) -> str:
    if not row.get("seconds") or not row.get("n_tokens"):
        return ""
    return f"{row['n_tokens'] / row['seconds']:,.0f}"


def _drilled(row: Row) -> str:
    if row.get("skipped"):
        return f"skipped: {row['skipped']}"
    return f"{row['n_tries'] - row['n_failed']:,} of {row['n_tries']:,}"


KINDS: dict[str, Sequence[Column]] = {
    "quality": (
        ("entry", lambda row: f"`{row['entry']}`"),
        ("macro-F1", _macro_f1),
        ("95 %", lambda row: f"{100 * row['low']:.1f}–{100 * row['high']:.1f}"),
        ("− hdoc", _difference),
        ("accuracy", _percent("accuracy")),
        ("loss", _number("loss", ".3f")),
        ("ECE", _number("ece", ".3f")),
        ("dev", _percent("dev_macro_f1")),
        ("parameters", _number("parameters", ".1f", " M", 1e-6)),
        ("minutes", _number("train_minutes", ".1f")),
        ("documents/s", _number("documents_per_second", ",.0f")),
        ("setting", lambda row: f"{row['trial'] + 1} of {row['n_tried']}"),
        ("seeds", lambda row: ",".join(map(str, row["seeds"]))),
    ),
    "ratios": (
        ("what", _text("name")),
        ("measured, lowest to highest", _spread),
        ("at most", _number("limit", ".2f")),
    ),
    "costs": (
        ("documents", _text("mix")),
        ("what", _text("name")),
        ("cost, lowest to highest", _spread),
        ("tokens/s", _rate),
    ),
    "peaks": (
        ("task", _text("task")),
        ("sentences", _number("n_sentences", ",")),
        ("most memory", _number("n_bytes", ",.0f", " MiB", 2**-20)),
        ("seconds", _number("seconds", ",.1f")),
    ),
    "runtimes": (
        ("runtime, precision", _text("name")),
        ("time of encoding", lambda row: f"{row['time']:.2f} ({row['low']:.2f}–{row['high']:.2f})"),
        ("macro-F1", _number("macro_f1", ".3f")),
        ("accuracy", _number("accuracy", ".3f")),
        ("other labels", _text("changed")),
        ("probabilities differ by", _number("probability", ".1e")),
        ("contributions differ by", _number("contribution", ".1e")),
        ("Kendall's τ of words", _number("kendall", ".3f")),
        ("same strongest word", _number("same_top", ".0f", " %", 100)),
    ),
    "faithfulness": (
        ("order", _text("method")),
        ("words: compr.", _erased("word", "comprehensiveness")),
        ("suff.", _erased("word", "sufficiency")),
        ("sentences: compr.", _erased("sentence", "comprehensiveness")),
        ("suff. ", _erased("sentence", "sufficiency")),
        ("τ", _number("leave_one_out", ".2f")),
        ("time", _number("times_contribution", ".3g")),
    ),
    "own_name": (
        ("method", _text("method")),
        ("documents", _text("documents")),
        ("top word", _number("top_word", ".1f", " %", 100)),
        ("in the top 3 sentences", _number("top_sentences", ".1f", " %", 100)),
    ),
    "rationales": (
        ("order", _text("method")),
        ("words", _area("auprc")),
        ("each word with the mean of its sentence", _area("auprc_sentences")),
    ),
    "drills": (
        ("what is done", _text("name")),
        ("ended as it must", _drilled),
        ("figures", lambda row: "; ".join(f"{name} {value}" for name, value in row["figures"].items())),
    ),
    "latency": (
        ("articles", _number("n_articles", ",")),
        ("characters of each", _number("n_characters", ",")),
        ("p50", _number("p50", ",.0f", " ms")),
        ("p95", _number("p95", ",.0f", " ms")),
        ("worst", _number("worst", ",.0f", " ms")),
    ),
    "load": (
        ("clients", _text("n_clients")),
        ("answers/s", _number("rate", ".1f")),
        ("p50", _number("p50", ",.0f", " ms")),
        ("p95", _number("p95", ",.0f", " ms")),
        ("p99", _number("p99", ",.0f", " ms")),
        ("errors", _text("n_errors")),
        ("memory before", _number("memory_before", ",.0f", " MB")),
        ("memory after", _number("memory_after", ",.0f", " MB")),
    ),
    "classify": (("`hdoc classify`, articles/s", _number("rate", ".1f")),),
    "search": (
        ("query", _text("query")),
        ("p50", _number("p50", ".1f", " ms")),
        ("p95", _number("p95", ".1f", " ms")),
        ("worst", _number("worst", ".1f", " ms")),
    ),
}

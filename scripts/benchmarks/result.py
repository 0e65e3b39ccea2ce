"""What a measurement found, as JSON: figures, and the date, machine and command that they are of.

`python scripts/results.py` makes the tables and plots of docs/results from the files in docs/results/data.
Every benchmark and drill writes such a file with `--json FILE`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """Figures with all that says what they are of.

    Attributes:
        date: when they were measured, ISO.
        machine: processor, cores and GPUs, in words.
        command: that prints them.
        tables: rows by the kind of table; `benchmarks.columns` knows how a kind is shown.
        about: what else a reader must know, in words, by name.
    """

    date: str
    machine: str
    command: str
    tables: Mapping[str, Sequence[Row]]
    about: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Result:
        """Return the result that a file holds."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def write(self, path: Path) -> None:
        """Write the result; a line for each row, so that a change of a figure is a change of a line."""
        head = asdict(self)
        tables = head.pop("tables")
        lines = [f"  {_json(name)}: {_json(value)}" for name, value in head.items() if value]
        parts = []
        for kind, rows in tables.items():
            body = ",\n".join(f"      {_json(row)}" for row in rows)
            parts.append(f"    {_json(kind)}: [\n{body}\n    ]")
        lines.append('  "tables": {\n' + ",\n".join(parts) + "\n  }")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option --json to a command line."""
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the figures here, as in docs/results/data"
    )


def record(
    path: Path | None, tables: Mapping[str, Iterable[Any]], about: Mapping[str, str] | None = None
) -> None:
    """Write what was measured just now, if it is asked for.

    Args:
        path: the file, or None.
        tables: rows by kind, dataclasses or mappings; kinds without rows are left out.
        about: see `Result`.
    """
    if path is None:
        return
    rows = {
        kind: [asdict(row) if is_dataclass(row) else dict(row) for row in own] for kind, own in tables.items()
    }
    full = {kind: own for kind, own in rows.items() if own}
    Result(date.today().isoformat(), machine(), command(), full, about or {}).write(path)


def command() -> str:
    """Return the command line of this process, without where its figures are written."""
    given = sys.argv[1:]
    if "--json" in given:
        at = given.index("--json")
        del given[at : at + 2]
    return shlex.join(["python", f"scripts/{Path(sys.argv[0]).name}", *given])


def machine() -> str:
    """Return processor, cores and GPUs in words."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ", ".join([_processor(), f"{os.cpu_count()} cores", *(gpus or ["no GPU"])])


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

"""Two tables with broken rows in both."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import SENTENCES


def write_mixed_tables(folder: Path) -> Path:
    """Make a folder with a.jsonl and b.parquet; returns it."""
    folder.mkdir()
    texts = [f"{a} {b}" for a in SENTENCES for b in SENTENCES]
    lines = [json.dumps({"id": f"a{i}", "text": text}, ensure_ascii=False) for i, text in enumerate(texts)]
    lines[3:3] = ["{", "", '{"id": "blank", "text": " "}', '{"text": 5}']
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows: list[str | None] = [*texts[:100], None, "\x00\x01\x02\x03"]
    pq.write_table(pa.table({"text": rows}), folder / "b.parquet", row_group_size=40)
    return folder

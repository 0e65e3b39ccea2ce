"""One block of rows to one file of results, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hdoc.bulk import classify_records
from hdoc.classifier import DocumentClassifier
from hdoc.cluster.plan import Block, Settings
from hdoc.errors import ModelError
from hdoc.records import table_records
from hdoc.results import open_writer
from hdoc.tables import open_table


class BlockClassifier:
    """A model in a process of its own, that turns blocks into files.

    Args:
        settings: of the run.
        splitters: further processes that split sentences, 0 for none.

    Raises:
        ModelError: there is no model here, or not the one that the run began with.
    """

    def __init__(self, settings: Settings, splitters: int = 0) -> None:
        self.settings = settings
        self.splitters = splitters
        self.classifier = DocumentClassifier.load(settings.model, settings.device)
        checksum = self.classifier.identity.checksum
        if checksum != settings.checksum:
            raise ModelError(
                f"expected the model {settings.checksum} on every machine, {settings.model} is {checksum} on "
                "this one; copy the model again"
            )

    def __call__(self, row: dict[str, Any]) -> dict[str, int]:
        """Do the same as `classify` with the text of a block in a row of a data set."""
        return self.classify(Block.from_json(row["block"]))

    def classify(self, block: Block) -> dict[str, int]:
        """Write the file of a block.

        Returns:
            n_rows: of the plan; n_written: rows of the file; n_failed: those without a label.

        Raises:
            HdocError: the input cannot be opened any more, or the results cannot be written.
        """
        settings = self.settings
        table = open_table(Path(block.path), settings.encoding)
        records = table_records(block.given, table, settings.text_column, settings.id_column, block.part)
        failed = 0
        with open_writer(str(block.file(settings))) as writer:
            for row in classify_records(self.classifier, records, settings.top, self.splitters):
                writer.write(row)
                failed += row["error"] is not None
        return {"n_rows": block.part.n_rows, "n_written": writer.n_rows, "n_failed": failed}

"""One block of rows to one file of results, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hdoc.cluster.plan import Block, Settings
from hdoc.errors import HdocError, ModelError
from hdoc.tables import open_table
from hdoc.tables.records import table_records
from hdoc.tables.results import open_writer
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.task import TASK

_MOST_TRIES = 3


class BlockClassifier:
    """A model in a process of its own, that turns blocks into files.

    Args:
        settings: of the run.
        sentence_workers: further processes that find sentences, 0 for none.

    Raises:
        ModelError: there is no model here, or not the one that the run began with.
    """

    def __init__(self, settings: Settings, sentence_workers: int = 0) -> None:
        self.settings = settings
        self.sentence_workers = sentence_workers
        self.classifier = DocumentClassifier.load(
            settings.model, settings.device, settings.runtime, settings.precision
        )
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
            n_rows: of the plan; n_written: rows of the file; n_failed: those with an error; n_unsure: those
            whose best class is not probable enough.

        Raises:
            HdocError: the input cannot be opened any more, or the results cannot be written.
        """
        settings = self.settings
        tries = _count_try(block, settings)
        table = open_table(Path(block.path), settings.encoding)
        columns = {"text": settings.text_column}
        records = table_records(block.given, table, columns, settings.id_column, block.part)
        failed = unsure = 0
        with open_writer(str(block.file(settings)), columns=TASK.columns) as writer:
            asked = {"top": settings.top, "abstain_below": settings.abstain_below}
            for row in self.classifier.predict(records, self.sentence_workers, **asked):
                writer.write(row)
                failed += row["error"] is not None
                unsure += row["error"] is None and row["label"] is None
        tries.unlink(missing_ok=True)
        return {
            "n_rows": block.part.n_rows,
            "n_written": writer.n_rows,
            "n_failed": failed,
            "n_unsure": unsure,
        }


def tries_file(block: Block, settings: Settings) -> Path:
    """Return the file that has a byte for each time that a block was begun, while it is not finished."""
    return Path(settings.output) / f"_tries-{block.number:06d}"


def _count_try(block: Block, settings: Settings) -> Path:
    """Note that a block is begun; Ray would else start workers without end on a block that ends them."""
    file = tries_file(block, settings)
    try:
        with file.open("ab") as stream:
            stream.write(b"+")
            n_tries = stream.tell()
    except OSError as error:
        raise HdocError(f"{settings.output}: cannot be written ({error.strerror or error})") from error
    if n_tries > _MOST_TRIES:
        part = block.part
        raise HdocError(
            f"{block.given}, rows {part.first} to {part.first + part.n_rows - 1}: their worker died "
            f"{_MOST_TRIES} times, as when memory runs out; finished blocks are kept: run the same command "
            "again with fewer --workers, or look for the document"
        )
    return file

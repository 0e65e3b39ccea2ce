"""The labelled tables of the splits, from files or from a data set."""

from __future__ import annotations

from collections.abc import Mapping

from hdoc.tables.labelled import LabelledTable


def open_tables(
    files: Mapping[str, str | None],
    dataset: str | None,
    text_column: str,
    label_column: str,
    *,
    multi_label: bool,
    cache_folder: str | None,
) -> dict[str, LabelledTable]:
    """Open the tables that were given, by the names of their splits.

    Args:
        files: by the name of the split; None where there is no file. Labels of "predict" are not read.
        dataset: a folder or hub name of a data set, or None.
        text_column: where the text is.
        label_column: where the label is.
        multi_label: whether a document may have any number of labels.
        cache_folder: where a data set of a hub is kept.

    Raises:
        DataError: a file or the data set cannot be read, or a column is missing.
    """
    tables = {}
    if dataset is not None:
        from hdoc.training.data.hub import load_splits

        for name, table in load_splits(dataset, label_column, cache_folder).items():
            tables[name] = LabelledTable.of(
                f"{dataset} ({name})", table, table.sha256, text_column, label_column, multi_label
            )
    for name, file in files.items():
        if file is not None:
            read_labels = None if name == "predict" else label_column
            tables[name] = LabelledTable.open(file, text_column, read_labels, multi_label)
    return tables

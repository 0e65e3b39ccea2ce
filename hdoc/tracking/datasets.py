"""Which data a run used, as MLflow's column Dataset shows it: name, digest, source, and what for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

# What MLflow calls the use of a split.
_CONTEXTS = {"train": "training", "dev": "validation", "test": "testing"}
_DIGEST_CHARACTERS = 32  # MLflow takes 36


@dataclass(frozen=True, slots=True)
class RunDataset:
    """One split that a run uses.

    Attributes:
        name: as it is shown.
        digest: the first half of the SHA-256 of its content, as hexadecimal digits.
        context: "training", "validation" or "testing".
        source_type: "local" or "hugging_face".
        source: a file's name, or the name of a data set; never a whole path of this machine.
    """

    name: str
    digest: str
    context: str
    source_type: str
    source: Mapping[str, str | None]

    @classmethod
    def of_file(cls, file: str | Path, split: str, sha256: str) -> RunDataset:
        """Describe a file.

        Args:
            file: its path, of which only the name is kept.
            split: "train", "dev" or "test".
            sha256: of its content, as hexadecimal digits.
        """
        name = Path(file).name
        return cls(name, sha256[:_DIGEST_CHARACTERS], _CONTEXTS[split], "local", {"uri": name})

    @classmethod
    def of_dataset(cls, dataset: str, split: str, sha256: str) -> RunDataset:
        """Describe a split of a data set.

        Args:
            dataset: a folder, of which only the name is kept, or a name on a hub, with a colon before the
                configuration if there are several.
            split: "train", "dev" or "test".
            sha256: of the split's content, as hexadecimal digits.
        """
        digest, context = sha256[:_DIGEST_CHARACTERS], _CONTEXTS[split]
        folder = Path(dataset).expanduser()
        if folder.is_dir():
            name = folder.resolve().name
            return cls(f"{name} ({split})", digest, context, "local", {"uri": name})
        path, _, configuration = dataset.partition(":")
        source = {"path": path, "config_name": configuration or None}
        return cls(f"{dataset} ({split})", digest, context, "hugging_face", source)

    def to_plain(self) -> dict[str, Any]:
        """Return plain data, from which `RunDataset(**plain)` makes it again."""
        return asdict(self)


def send_datasets(client: MlflowClient, run_id: str, datasets: Sequence[RunDataset]) -> None:
    """Log what a run uses; what is logged already is left as it is.

    Raises:
        MlflowException: the server cannot be used.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.exceptions import MlflowException

    inputs = [
        DatasetInput(
            Dataset(one.name, one.digest, one.source_type, json.dumps(one.source, ensure_ascii=False)),
            [InputTag("mlflow.data.context", one.context)],
        )
        for one in datasets
    ]
    try:
        client.log_inputs(run_id, inputs)
    except MlflowException as error:
        if error.get_http_status_code() >= 500:
            raise
        # Of two runs that log a new dataset at the same moment one is refused; now it finds the other's.
        client.log_inputs(run_id, inputs)

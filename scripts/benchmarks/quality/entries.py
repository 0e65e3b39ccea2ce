"""What is compared, and the settings that each may try on dev.

Every entry may try equally many settings, its own first guess among them, and every try looks at dev as
often: a network after each epoch, TF-IDF at each strength of regularisation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hdoc.errors import HdocError

Kind = Literal["hdoc", "tfidf", "neural", "ablation"]

MOST_TRIALS = 4
# The encoder that comes with hdoc has 512 positions, of which pre-training saw those of its rows.
_SMALL, _SMALL_POSITIONS = "small", 128


@dataclass(frozen=True, slots=True)
class Base:
    """What a task's config says of values that entries depend on.

    Attributes:
        encoder: name or folder of the encoder.
        encoder_rate: learning rate of the encoder's top layer.
        head_rate: learning rate of all that stands on it.
        context: how hdoc's sentence attention sees neighbouring sentences.
    """

    encoder: str
    encoder_rate: float
    head_rate: float
    context: str


Options = tuple[str, ...]
"""Arguments of `hdoc train fit`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table.

    Attributes:
        name: as on the command line.
        kind: hdoc itself, no network, another network, or hdoc with a part replaced.
        what: what it is, for the table's reader.
        options: what makes it what it is.
        search: gives the settings to try, the first guess first.
        part: the summand of hdoc's scores that it is, if it is one: hdoc's own fits, and only a part of what
            they leave.
    """

    name: str
    kind: Kind
    what: str
    options: Callable[[Base], Options]
    search: Callable[[Base], Sequence[Options]]
    part: str = ""

    @property
    def fit(self) -> str:
        """The entry whose fits are looked at."""
        return "hdoc" if self.part else self.name

    def arguments(self, base: Base, trial: int) -> list[str]:
        """Return the arguments of one try."""
        return [*self.options(base), *self.search(base)[trial]]


def entries() -> dict[str, Entry]:
    """Return all entries by name, in the order of the table."""
    return {entry.name: entry for entry in _ENTRIES}


def choose(names: str, base: Base) -> list[Entry]:
    """Return the entries of a list of names and kinds with comma between; "all" for all.

    What would be hdoc as the task's config has it already is left out.

    Raises:
        HdocError: there is no such entry.
    """
    known = entries()
    kinds = {entry.kind for entry in known.values()}
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    for name in sorted(wanted - known.keys() - kinds - {"all"}):
        raise HdocError(
            f"expected --entries among all, {', '.join(sorted(kinds))}, {', '.join(known)}; got {name!r}"
        )
    return [
        entry
        for entry in known.values()
        if wanted & {"all", entry.name, entry.kind} and entry.name != f"context-{base.context}"
    ]


def _architecture(name: str) -> Callable[[Base], Options]:
    return lambda _: ("--model.architecture", name)


def _network(*options: str) -> Callable[[Base], Options]:
    """Replace parts of the network alone: what stands beside it would hide what they are worth."""
    return lambda _: (*options, "--model.lexical", "false")


def _truncating(name: str) -> Callable[[Base], Options]:
    def options(base: Base) -> Options:
        few = base.encoder == _SMALL
        positions = ("--model.options.trained_positions", str(_SMALL_POSITIONS)) if few else ()
        return ("--model.architecture", name, *positions)

    return options


def _sentences(base: Base) -> list[Options]:
    """Tries of what reads sentences: another rate of the encoder, and all sentences in training."""
    return [
        (),
        ("--model.optimiser.encoder_rate", f"{base.encoder_rate / 2:g}"),
        ("--model.deletion.sentences", "0"),
        ("--model.optimiser.encoder_rate", f"{base.encoder_rate * 2:g}"),
    ]


def _rows(base: Base) -> list[Options]:
    """Tries of what reads rows: sentences left out or not, another rate, and [CLS] instead of a mean.

    Nothing was asked of [CLS] in the small encoder's pre-training; on petitions' dev the last of these was 8
    points worse than the first for head and tail, after three epochs.
    """
    whole, mean = ("--model.deletion.sentences", "0"), ("--model.options.summary", "mean")
    return [
        (*whole, *mean),
        (*whole, *mean, "--model.optimiser.encoder_rate", f"{base.encoder_rate / 2:g}"),
        mean,
        (*whole, "--model.optimiser.encoder_rate", f"{base.encoder_rate / 3:g}"),
    ]


def _from_embeddings(base: Base) -> list[Options]:
    """Tries of what has only embeddings from the encoder, which bear the rate of all else."""
    rate = ("--model.optimiser.encoder_rate", f"{base.head_rate:g}")
    fast = f"{3 * base.head_rate:g}"
    return [
        rate,
        ("--model.optimiser.encoder_rate", fast, "--model.optimiser.head_rate", fast),
        (*rate, "--model.deletion.sentences", "0"),
        ("--model.head.dropout", "0.3", *rate),
    ]


def _tfidf_search(_base: Base) -> list[Options]:
    """Tries of TF-IDF; each tries several strengths of regularisation by itself."""
    option = "--model.options."
    return [
        (),
        (f"{option}balanced", "false"),
        (f"{option}min_documents", "5"),
        (f"{option}min_documents", "1"),
    ]


def _tfidf(name: str) -> Callable[[Base], Options]:
    # Where sentences begin is all the same to it, and finding them would take longer than all the rest.
    return lambda _: ("--model.architecture", name, "--data.split", "lines")


_ENTRIES = (
    Entry("tfidf-svm", "tfidf", "TF-IDF of characters 2–4, LinearSVC", _tfidf("tfidf-svm"), _tfidf_search),
    Entry(
        "tfidf-logistic",
        "tfidf",
        "TF-IDF of characters 2–4, logistic regression",
        _tfidf("tfidf-logistic"),
        _tfidf_search,
    ),
    Entry("hdoc", "hdoc", "hdoc", lambda _: (), _sentences),
    Entry("hdoc-network", "ablation", "its network alone", lambda _: (), _sentences, "network"),
    Entry("hdoc-words", "ablation", "its scores of words alone", lambda _: (), _sentences, "words"),
    Entry("first-512", "neural", "encoder on the first 512 tokens", _truncating("first"), _rows),
    Entry("head-tail", "neural", "encoder on beginning and end", _truncating("head-tail"), _rows),
    Entry(
        "random-sentences", "neural", "encoder on random sentences", _truncating("random-sentences"), _rows
    ),
    Entry("chunk-mean", "neural", "mean over chunks (RoBERT-style)", _architecture("chunk-mean"), _rows),
    Entry("tobert", "neural", "transformer over chunks (ToBERT)", _architecture("tobert"), _rows),
    Entry("han", "neural", "HAN with GRUs", _architecture("han"), _from_embeddings),
    Entry(
        "mlp-head", "ablation", "the network with an MLP instead of the sum",
        _network("--model.architecture", "perceptron-head"), _sentences,
    ),
    Entry(
        "no-cnn", "ablation", "the network without the CNN",
        _network("--model.head.kernel_widths", "[]"), _sentences,
    ),
    Entry(
        "mean-sentences", "ablation", "the network, all sentences alike",
        _network("--model.architecture", "mean-sentences"), _sentences,
    ),
    *(
        Entry(
            f"context-{context}", "ablation", f"the network, sentence context: {context}",
            _network("--model.head.context", context), _sentences,
        )
        for context in ("none", "convolution", "gru", "transformer")
    ),
)  # fmt: skip

"""What reading long documents costs beside the floor and beside what others do; ratios from one run.

The floor is the same encoder on as many real tokens in dense rows of 128. Everything that is compared is
measured in turn, and the median of the rounds is what counts, as bare times depend on the machine.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hdoc.batches import TOKEN_BUDGET, batch_documents
from hdoc.bert import Bert, BertShape
from hdoc.classifier import DocumentClassifier
from hdoc.encoding import Window
from hdoc.network import DocumentNetwork, NetworkShape

ROW = 128
LONG = 4096
_HEAD = 512
_PIECE = 7  # any word piece

Document = list[Window]


@dataclass(frozen=True, slots=True)
class Cost:
    """What something costs beside the floor of the same tokens.

    Attributes:
        mix: the documents.
        name: what was measured.
        seconds: median.
        ratio: seconds over the floor's, median over rounds.
        low: smallest.
        high: largest.
        n_tokens: real tokens of the documents, special tokens included.
    """

    mix: str
    name: str
    seconds: float
    ratio: float
    low: float
    high: float
    n_tokens: int


def costs(
    classifier: DocumentClassifier, mix: str, documents: Sequence[Document], n_rounds: int
) -> list[Cost]:
    """Measure the floor, hdoc, the padded way, and the encoder cut off at 512 tokens.

    Args:
        classifier: in torch.
        mix: what the documents are called.
        documents: split and tokenised already.
        n_rounds: how often each is measured.
    """
    n_tokens = sum(_length(classifier, window) for window in chain.from_iterable(documents))
    actions: dict[str, Callable[[], object]] = {
        "floor: dense rows of 128": partial(read_dense, classifier, n_tokens),
        "hdoc, with word shares": partial(classifier.engine.score, documents, True),
        "padded: documents x sentences x length": partial(read_padded, classifier, documents),
        "first 512 tokens only": partial(read_heads, classifier, documents),
    }
    return list(compared(mix, actions, n_tokens, n_rounds))


def long_costs(classifier: DocumentClassifier, n_rounds: int) -> list[Cost]:
    """Measure a document of 4,096 tokens beside encoders made for such: Longformer and BigBird.

    They have the width and depth of the classifier's encoder, and random weights.
    """
    encoder = classifier.network.encoder
    if not isinstance(encoder, Bert):
        raise TypeError(f"expected hdoc's own BERT, got {type(encoder).__name__}")
    n_special = classifier.tokenizer.window - classifier.tokenizer.capacity
    sentence = _sentence(30 - n_special)
    document = [sentence] * (LONG // 30)
    ids = torch.full((1, LONG), _PIECE)
    actions: dict[str, Callable[[], object]] = {
        "floor: dense rows of 128": partial(read_dense, classifier, LONG),
        # Not through the engine, which would read the same sentence once.
        "hdoc": partial(_read_all, classifier, [document]),
    }
    for name, peer in _peers(encoder.shape):
        actions[name] = partial(_run, peer.to(classifier.device), ids.to(classifier.device))
    return list(compared("one document of 4,096 tokens", actions, LONG, n_rounds))


def length_costs(
    classifier: DocumentClassifier, sentences: Sequence[Window], counts: Sequence[int], n_rounds: int
) -> list[Cost]:
    """Measure documents of more and more sentences.

    Args:
        classifier: in torch.
        sentences: what the documents are made of, over and over.
        counts: sentences of each document.
        n_rounds: how often each is measured.
    """
    found = []
    for count in counts:
        document = [sentences[i % len(sentences)] for i in range(count)]
        n_tokens = sum(_length(classifier, window) for window in document)
        seconds = sorted(_seconds(partial(_read_all, classifier, [document])) for _ in range(n_rounds))
        middle = statistics.median(seconds)
        found.append(Cost(f"{count:,} sentences", "hdoc", middle, 1.0, 1.0, 1.0, n_tokens))
    return found


@torch.inference_mode()
def read_dense(classifier: DocumentClassifier, n_tokens: int) -> None:
    """Encode so many tokens in rows of 128 without padding."""
    rows = torch.full((-(-n_tokens // ROW), ROW), _PIECE, device=classifier.device)
    for part in torch.split(rows, TOKEN_BUDGET // ROW):
        classifier.network.encoder(part, torch.ones_like(part, dtype=torch.bool))
    _wait(classifier)


@torch.inference_mode()
def read_padded(classifier: DocumentClassifier, documents: Sequence[Document], n_together: int = 8) -> None:
    """Encode documents as rectangles of most sentences times longest sentence, as HAN's code does."""
    for start in range(0, len(documents), n_together):
        batch = documents[start : start + n_together]
        length = max(_length(classifier, window) for window in chain.from_iterable(batch))
        n_rows = len(batch) * max(map(len, batch))
        ids = torch.full((n_rows, length), _PIECE, device=classifier.device)
        mask = torch.zeros_like(ids, dtype=torch.bool)
        mask[:, : length // 2 or 1] = True  # what is masked costs the same, whatever it is
        rows = max(1, TOKEN_BUDGET // length)
        for part, keep in zip(*(torch.split(x, rows) for x in (ids, mask)), strict=True):
            classifier.network.encoder(part, keep)
    _wait(classifier)


@torch.inference_mode()
def read_heads(classifier: DocumentClassifier, documents: Sequence[Document]) -> None:
    """Encode the first 512 tokens of each document as one sequence."""
    lengths = (sum(_length(classifier, window) for window in document) for document in documents)
    for length in lengths:
        ids = torch.full((1, min(length, _HEAD)), _PIECE, device=classifier.device)
        classifier.network.encoder(ids, torch.ones_like(ids, dtype=torch.bool))
    _wait(classifier)


@torch.inference_mode()
def _read_all(classifier: DocumentClassifier, documents: Sequence[Document]) -> None:
    """Read every window of documents, also equal ones, and judge them."""
    ids = [[window.ids for window in document] for document in documents]
    batch = batch_documents(ids, classifier.tokenizer).to(classifier.device)
    vectors = torch.cat([classifier.network.read(group).vectors for group in batch.groups])
    classifier.network.judge(vectors[batch.rows], batch.counts)
    _wait(classifier)


@torch.inference_mode()
def _run(model: nn.Module, ids: Tensor) -> None:
    model(input_ids=ids, attention_mask=torch.ones_like(ids))
    if ids.device.type == "cuda":
        torch.cuda.synchronize()


def _peers(shape: BertShape) -> Iterator[tuple[str, nn.Module]]:
    from transformers import BigBirdConfig, BigBirdModel, LongformerConfig, LongformerModel

    sizes: dict[str, Any] = {
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.hidden_size,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_attention_heads": shape.num_attention_heads,
        "intermediate_size": shape.intermediate_size,
        "max_position_embeddings": LONG + 2,
        "pad_token_id": 0,
    }
    longformer = LongformerConfig(**sizes, attention_window=_HEAD)
    yield "Longformer, window 512", LongformerModel(longformer, add_pooling_layer=False).train(False)
    big_bird = BigBirdConfig(**sizes, attention_type="block_sparse", block_size=64, num_random_blocks=3)
    yield "BigBird, blocks of 64", BigBirdModel(big_bird, add_pooling_layer=False).train(False)


def compared(
    mix: str, actions: Mapping[str, Callable[[], object]], n_tokens: int, n_rounds: int
) -> Iterator[Cost]:
    """Measure actions in turn, after a round that does not count; the first is the floor."""
    rounds = [{name: _seconds(action) for name, action in actions.items()} for _ in range(n_rounds + 1)][1:]
    floor = next(iter(actions))
    for name in actions:
        ratios = sorted(one[name] / one[floor] for one in rounds)
        seconds = statistics.median(one[name] for one in rounds)
        yield Cost(mix, name, seconds, statistics.median(ratios), ratios[0], ratios[-1], n_tokens)


def training_peak(n_sentences: int, shape: BertShape, seed: int = 0) -> float:
    """Return the peak memory in bytes of a process that does one training step on a document.

    Args:
        n_sentences: of the document; each of 5 to 45 pieces.
        shape: of the encoder.
        seed: of the lengths.
    """
    given = f"{n_sentences}, {_sizes(shape)!r}, {seed}"
    program = f"from hdoc.benchmarks.speed import _train; print(_train({given}))"
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # noqa: S603 (our own interpreter)
    return float(result.stdout)


def _sizes(shape: BertShape) -> dict[str, Any]:
    names = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    return {name: getattr(shape, name) for name in names}


def _train(n_sentences: int, sizes: dict[str, Any], seed: int) -> int:
    from hdoc.storage import load_model

    torch.manual_seed(seed)
    tokenizer = load_model(Path(__file__).parents[1] / "assets" / "model", "onnx").tokenizer
    shape = BertShape(**sizes, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    network = DocumentNetwork(Bert(shape), shape.hidden_size, NetworkShape(16)).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5)
    lengths = torch.randint(5, 46, (n_sentences,)).tolist()
    batch = batch_documents([[[_PIECE] * length for length in lengths]], tokenizer)
    with torch.autocast("cpu", torch.bfloat16):
        loss = nn.functional.cross_entropy(network(batch).logits, torch.tensor([3]))
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def take(documents: Sequence[Document], n_sentences: int) -> Document:
    """Return a document of so many sentences out of those of others."""
    return list(islice(chain.from_iterable(documents), n_sentences))


def _sentence(n_pieces: int) -> Window:
    return Window(0, n_pieces, (_PIECE,) * n_pieces, tuple(range(n_pieces)))


def _length(classifier: DocumentClassifier, window: Window) -> int:
    return len(window.ids) + classifier.tokenizer.window - classifier.tokenizer.capacity


def _wait(classifier: DocumentClassifier) -> None:
    if classifier.device.type == "cuda":
        torch.cuda.synchronize()


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start

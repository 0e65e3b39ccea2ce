"""Unigram tokenizers with `▁`, trained on the sentences of the tests and cut to some of them."""

from __future__ import annotations

from functools import cache

from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import Unigram

from hdoc.pretraining.adopting.cutting import cut_tokenizer
from hdoc.pretraining.adopting.vocabulary import choose_pieces, count_usage
from tests.conftest import SENTENCES

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
PRE_TOKENIZERS = {
    # XLM-R's: spaces go first, so a piece begins where its word does.
    "divided": pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    ),
    # Alone, a piece begins with the space before its word, and a run of spaces is a run of pieces.
    "spaces": pre_tokenizers.Metaspace(prepend_scheme="always"),
}
NORMALIZERS = {
    "divided": normalizers.NFKC(),
    "spaces": None,
}


@cache
def _trained(kind: str) -> str:
    tokenizer = Tokenizer(Unigram())
    if NORMALIZERS[kind] is not None:
        tokenizer.normalizer = NORMALIZERS[kind]
    tokenizer.pre_tokenizer = PRE_TOKENIZERS[kind]
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES * 5, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    usage = count_usage(tokenizer, SENTENCES[:10])
    return cut_tokenizer(tokenizer, choose_pieces(tokenizer, usage, least=1)).to_str()


def unigram(kind: str = "divided") -> Tokenizer:
    """Return a tokenizer of some hundred pieces.

    Args:
        kind: "divided" as XLM-R's, or "spaces", whose pieces hold the spaces before their words.
    """
    return Tokenizer.from_str(_trained(kind))

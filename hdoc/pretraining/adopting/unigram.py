"""A fast tokenizer from the parts of a SentencePiece Unigram vocabulary (Kudo 2018).

Offsets are exact: text is divided at white space before `▁` is put in front of each word, so a piece such
as `▁나라` begins where 나라 does, not at the space before it (as it would behind `Metaspace` alone).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

MASK = "<mask>"

_NFKC_OF_2002 = unicodedata.ucd_3_2_0
# Stands for characters that NFKC must leave alone while it is at work; nobody writes them.
_FIRST_PRIVATE = 0xF0000


def build_unigram(
    pieces: Sequence[str],
    scores: Sequence[float],
    special: Mapping[str, int],
    rewritten: Mapping[str, str],
) -> Tokenizer:
    """Build a tokenizer that puts `<s>` before and `</s>` behind a text.

    Args:
        pieces: the vocabulary, its special pieces included.
        scores: log-probability of each.
        special: ids of `bos`, `eos`, `pad` and `unk`; `<mask>` is found by its name.
        rewritten: what stands in the place of a character before it is read.
    """
    vocabulary = [(piece, float(score)) for piece, score in zip(pieces, scores, strict=True)]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=special["unk"], byte_fallback=False))
    tokenizer.normalizer = build_normalizer(rewritten)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    bos, eos = pieces[special["bos"]], pieces[special["eos"]]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, special["bos"]), (eos, special["eos"])],
    )
    named = [pieces[special[name]] for name in ("bos", "pad", "eos", "unk")]
    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in named])
    if MASK in pieces:
        tokenizer.add_special_tokens([AddedToken(MASK, lstrip=True, special=True, normalized=False)])
    return tokenizer


def build_normalizer(rewritten: Mapping[str, str]) -> normalizers.Normalizer:
    """Build NFKC, and what a map of characters does beside it.

    NFKC also composes sequences, such as a Hangul syllable spelt in jamo, as SentencePiece's own map does
    but a map of single characters cannot. A character that is younger than the map is left to NFKC.
    """
    beside: dict[str, list[str]] = {}
    spared: list[str] = []
    for character in map(chr, [*range(1, 0xD800), *range(0xE000, 0x11000), *range(0x1F100, 0x1F300)]):
        stands = rewritten.get(character, character)
        if stands == unicodedata.normalize("NFKC", character):
            continue
        if stands != character:
            beside.setdefault(stands, []).append(character)
        elif _NFKC_OF_2002.normalize("NFKC", character) != character:
            spared.append(character)
    steps: list[normalizers.Normalizer] = [
        normalizers.Replace(Regex(_class(characters)), stands) for stands, characters in beside.items()
    ]
    private = [chr(_FIRST_PRIVATE + i) for i in range(len(spared))]
    steps += [normalizers.Replace(*pair) for pair in zip(spared, private, strict=True)]
    steps.append(normalizers.NFKC())
    steps += [normalizers.Replace(*pair) for pair in zip(private, spared, strict=True)]
    return normalizers.Sequence(steps)


def _class(characters: Sequence[str]) -> str:
    return f"[{''.join(map(re.escape, characters))}]"

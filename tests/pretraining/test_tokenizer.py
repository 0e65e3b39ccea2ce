from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from hdoc.errors import DataError
from hdoc.pretraining.tokenizer import (
    choose_alphabet,
    load_tokenizer,
    save_tokenizer,
    train_tokenizer,
)
from tests.conftest import SENTENCES


class TestTokenizer:
    def test_transformers_loads_it_as_a_fast_tokenizer(self, tokenizer: Tokenizer, tmp_path: Path) -> None:
        from transformers import AutoTokenizer

        save_tokenizer(tokenizer, tmp_path)
        loaded = AutoTokenizer.from_pretrained(tmp_path)
        assert loaded.is_fast
        special = (loaded.pad_token_id, loaded.unk_token_id, loaded.cls_token_id, loaded.sep_token_id)
        assert (*special, loaded.mask_token_id) == (0, 1, 2, 3, 4)
        assert loaded.model_max_length == 512
        pair = loaded(SENTENCES[0], SENTENCES[1])
        assert pair["input_ids"] == tokenizer.encode(SENTENCES[0], SENTENCES[1]).ids
        assert pair["token_type_ids"][-1] == 1
        text = loaded.decode(pair["input_ids"], skip_special_tokens=True)
        assert text.replace(" .", ".") == f"{SENTENCES[0]} {SENTENCES[1]}"

    def test_offsets_give_back_the_text(self, tokenizer: Tokenizer) -> None:
        for text in SENTENCES:
            encoding = tokenizer.encode(text, add_special_tokens=False)
            covered = "".join(text[start:end] for start, end in encoding.offsets)
            assert covered == "".join(text.split())

    def test_decomposed_text_has_the_same_pieces_at_its_own_places(self, tokenizer: Tokenizer) -> None:
        for text in SENTENCES:
            decomposed = unicodedata.normalize("NFD", text)
            composed_encoding = tokenizer.encode(text, add_special_tokens=False)
            encoding = tokenizer.encode(decomposed, add_special_tokens=False)
            assert encoding.tokens == composed_encoding.tokens
            # A piece starts where its first jamo does; the jamo up to the next piece belong to it.
            starts = [start for start, _ in encoding.offsets]
            expected = [
                len(unicodedata.normalize("NFD", text[:start])) for start, _ in composed_encoding.offsets
            ]
            assert starts == expected

    def test_hangul_is_not_taken_apart_and_case_is_kept(self, tokenizer: Tokenizer) -> None:
        tokens = tokenizer.encode("Seoul 시장은", add_special_tokens=False).tokens
        assert "".join(token.removeprefix("##") for token in tokens) == "Seoul시장은"
        assert tokenizer.encode("Seoul").tokens != tokenizer.encode("seoul").tokens

    def test_hanja_stand_alone(self, tokenizer: Tokenizer) -> None:
        assert tokenizer.encode("시장市長은", add_special_tokens=False).offsets[-1] == (4, 5)

    def test_rare_hanja_stay_out_and_common_syllables_come_in(self) -> None:
        counts = Counter({"가": 600_000, "나": 599_000, "뷁": 3, "뷀": 2, "法": 9, "人": 400, "a": 3, " ": 9})
        assert choose_alphabet(counts, 10) == ["가", "나", "人", "a", "뷁"]
        assert choose_alphabet(counts, 2) == ["가", "나"]

    def test_the_vocabulary_has_the_size_asked_for(self) -> None:
        assert train_tokenizer(SENTENCES, 90, alphabet_size=40).get_vocab_size() == 90

    def test_a_character_left_out_does_not_join_its_neighbours(self) -> None:
        vocabulary = train_tokenizer(
            ["가나다라 " * 50 + "가뷁다라 " * 2] * 2, 60, alphabet_size=4
        ).get_vocab()
        assert "가나다라" in vocabulary
        assert not any("가다" in piece for piece in vocabulary)

    def test_impossible_sizes_and_no_text_are_refused(self) -> None:
        with pytest.raises(DataError, match="at least 205 pieces for an alphabet of 100, got 150"):
            train_tokenizer(SENTENCES, 150, alphabet_size=100)
        with pytest.raises(DataError, match="expected text to learn a vocabulary from"):
            train_tokenizer([], 1000)

    def test_another_kind_of_tokenizer_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"no tokenizer\.json in"):
            load_tokenizer(tmp_path)
        from tokenizers.models import WordLevel

        Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 2}, unk_token="[UNK]")).save(
            str(tmp_path / "tokenizer.json")
        )
        with pytest.raises(DataError, match=r"expected \[PAD\], .* got \[0, 2, None, None, None\]"):
            load_tokenizer(tmp_path)

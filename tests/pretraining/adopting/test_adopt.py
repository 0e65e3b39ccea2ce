"""An encoder cut to some texts reads and computes as the uncut one, wherever all its pieces were kept."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from hdoc.cli.pretrain import main
from hdoc.encoders.eight_bit import holds_eight_bit
from hdoc.encoders.pretrained import load_encoder, load_tokenizer
from hdoc.errors import DataError, ModelError
from hdoc.pretraining.adopting import adopt
from tests.pretraining.adopting.encoders import KINDS, TEXTS, save_encoder


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return save_encoder(tmp_path / "source", request.param)


def states(folder: Path, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return AutoModel.from_pretrained(folder).eval()(torch.tensor([ids])).last_hidden_state


def test_a_cut_encoder_reads_and_computes_as_the_uncut_one(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    found = adopt(str(folder), cut, TEXTS, ["a.jsonl"])
    before, after = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(cut)
    assert found.n_uncut == len(before)
    assert found.n_kept == len(after) < len(before)  # zz and others are gone
    assert found.coverage == 1
    assert type(AutoModel.from_pretrained(folder)) is type(AutoModel.from_pretrained(cut))
    for text in [*TEXTS[:3], "나라의 abc", "123"]:
        old, new = before(text, return_offsets_mapping=True), after(text, return_offsets_mapping=True)
        assert new.tokens() == old.tokens()
        assert new["offset_mapping"] == old["offset_mapping"]
        torch.testing.assert_close(states(cut, new["input_ids"]), states(folder, old["input_ids"]))
    for name in ("pad", "unk", "cls", "sep", "mask"):
        assert getattr(after, f"{name}_token") == getattr(before, f"{name}_token")
    config = json.loads((cut / "config.json").read_text(encoding="utf8"))
    assert config["vocab_size"] == found.n_kept
    assert config["pad_token_id"] == after.pad_token_id
    assert "_name_or_path" not in config
    assert len({path.stat().st_mode & 0o777 for path in cut.iterdir()}) == 1


def test_hdoc_trains_on_a_cut_encoder(folder: Path, tmp_path: Path) -> None:
    adopt(str(folder), tmp_path / "cut", TEXTS, [])
    for dtype in ("float32", "int8"):
        adopt(str(folder), tmp_path / dtype, TEXTS, [], dtype=dtype)
    tokenizer = load_tokenizer(str(tmp_path / "float32"), 16)
    assert len(tokenizer.prefix) == len(tokenizer.suffix) == 1
    ids = torch.tensor([[*tokenizer.prefix, 5, 6, 7, *tokenizer.suffix]])
    whole, small = (load_encoder(str(tmp_path / dtype))[0].eval() for dtype in ("float32", "int8"))
    assert holds_eight_bit(tmp_path / "int8" / "model.safetensors")
    with torch.no_grad():
        torch.testing.assert_close(small(ids, ids >= 0), whole(ids, ids >= 0), atol=0.05, rtol=0)
    assert "8 bit by rows" in (tmp_path / "int8" / "README.md").read_text(encoding="utf8")


def test_an_adopted_encoder_can_be_adopted_again(folder: Path, tmp_path: Path) -> None:
    adopt(str(folder), tmp_path / "once", TEXTS, [], dtype="int8")
    again = adopt(str(tmp_path / "once"), tmp_path / "twice", TEXTS, [])
    assert again.n_kept == again.n_uncut


def test_the_command_counts_train_rows_and_names_the_corpora(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = save_encoder(tmp_path / "source", "bert-unigram")
    (source / "README.md").write_text("---\nlanguage: ko\nlicense: mit\n---\n# x\n", encoding="utf8")
    rows = [{"title": "나라의 말", "text": "123", "split": "train"}, {"text": "zz", "split": "test"}]
    corpus, plain = tmp_path / "rows.jsonl", tmp_path / "plain.txt"
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    plain.write_text("abc\n", encoding="utf8")
    command = ["adopt", str(source), "--output", str(tmp_path / "cut"), "--least", "1"]
    assert main([*command, "--keep", str(corpus), str(plain)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{tmp_path / 'cut'}: ")
    assert said.endswith("of 27 pieces, which are 100.000% of all that were read\n")
    pieces = AutoTokenizer.from_pretrained(tmp_path / "cut").get_vocab()
    assert {"▁abc", "▁나라"} < pieces.keys()
    assert "zz" not in pieces
    card = (tmp_path / "cut" / "README.md").read_text(encoding="utf8")
    assert card.startswith("---\nlicense: mit\nbase_model: source\n---\n")
    assert "- rows.jsonl\n- plain.txt\n" in card
    assert str(tmp_path) not in card

    (tmp_path / "sources.yaml").write_text(
        "sources: {own: {files: [rows.jsonl], where: {split: train}, licence: CC0}}", encoding="utf8"
    )
    assert main([*command, "--sources", str(tmp_path / "sources.yaml")]) == 0
    pieces = AutoTokenizer.from_pretrained(tmp_path / "cut").get_vocab()
    assert "▁abc" not in pieces
    assert "- own (CC0)\n" in (tmp_path / "cut" / "README.md").read_text(encoding="utf8")


def test_what_cannot_be_adopted_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = save_encoder(tmp_path / "source", "bert-unigram")
    with pytest.raises(DataError, match="expected texts to count pieces on, got none"):
        adopt(str(source), tmp_path / "cut", [], [])
    with pytest.raises(DataError, match="must occur at least once, got 0"):
        adopt(str(source), tmp_path / "cut", TEXTS, [], least=0)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot make the encoder's folder .*file: File exists"):
        adopt(str(source), tmp_path / "file", TEXTS, [])
    with pytest.raises(ModelError, match=r"file: expected a transformers folder, .* got another file"):
        adopt(str(tmp_path / "file"), tmp_path / "cut", TEXTS, [])
    with pytest.raises(ModelError, match=r"expected the folder of an encoder, but .*missing is no folder"):
        adopt(str(tmp_path / "missing"), tmp_path / "cut", TEXTS, [])
    (source / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="source: expected an encoder and its tokenizer"):
        adopt(str(source), tmp_path / "cut", TEXTS, [])
    for corpus, problem in (
        ("none.txt", "is none; check the path"),
        ("file", "expected .txt, .jsonl or .tsv"),
    ):
        command = ["adopt", str(source), "--output", str(tmp_path / "cut"), "--keep", str(tmp_path / corpus)]
        capsys.readouterr()
        assert main(command) == 1
        said = capsys.readouterr().err
        assert said.startswith("hdoc: error: ")
        assert problem in said

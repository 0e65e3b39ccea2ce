"""What tests of several modules share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hdoc.tasks.temperature import Temperature

# Sentences written for the tests; enough characters for a tokenizer that leaves little unknown.
SENTENCES = [
    "오늘 국회에서 예산안을 두고 긴 토론이 벌어졌습니다.",
    "시장은 새 도서관을 내년 봄에 열겠다고 밝혔다.",
    "아이들은 운동장에서 축구를 하며 오후를 보냈다.",
    "법원은 원고의 청구를 모두 받아들이지 않았습니다.",
    "환율이 오르자 수입 과일의 가격도 함께 올랐다.",
    "의사는 환자에게 하루에 물을 여덟 잔 마시라고 권했다.",
    "선수단은 어제 인천공항을 통해 귀국했습니다.",
    "정부는 전기차 보조금을 단계적으로 줄이기로 했다.",
    "학교 급식에 지역 농산물을 더 많이 쓰기로 결정했다.",
    "이 영화는 배우들의 연기가 좋지만 이야기가 너무 길어요.",
    "버스 노선이 바뀌어 출근 시간이 두 배로 늘었습니다.",
    "박물관은 백제의 금동 불상을 처음으로 공개했다.",
    "연구팀은 새로운 배터리 소재를 개발했다고 발표했다.",
    "주민들은 공장의 소음과 냄새 때문에 잠을 잘 수 없다고 말한다.",
    "Seoul 2024: 100% 무료, 전화 02-123-4567 (평일 9~18시).",
]


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a transformers folder of a BERT with 2 layers of width 32 and random weights, built here."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    # The class that real Korean BERTs name, so that the same code of transformers runs.
    BertTokenizerFast(tokenizer_object=tokenizer, do_lower_case=False).save_pretrained(folder)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an hdoc model folder with three classes on the tiny encoder; its scores are far from equal."""
    import json

    import torch
    from tokenizers import Tokenizer

    from hdoc.encoders.build import build_encoder
    from hdoc.tasks.document.folder.saving import save_model
    from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
    from hdoc.tokens.tokenizer import PieceTokenizer

    config = json.loads((tiny_encoder / "config.json").read_text(encoding="utf-8"))
    tokenizer = PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=32)
    torch.manual_seed(0)
    network = DocumentNetwork(build_encoder(config), 32, NetworkShape(3, value_width=16, channels=8)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(
        folder,
        network,
        tokenizer,
        encoder_config=config,
        labels=["경제", "사회", "문화"],
        temperature=Temperature(1.5, 0.25),
        name="tiny",
        version="7",
        card="# tiny\n",
    )
    return folder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an MLflow store without runs; making one takes seconds, copying one does not."""
    import warnings

    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's use of its database library
        MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a store of this test's own, in its own folder, which is the one that runs are logged to."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    return uri

import asyncio
import ctypes
import dataclasses
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")

from hdoc.cli import main
from hdoc.library import Article, Library
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.text.sentences import split_sentences
from hdoc.web.app import Settings
from hdoc.web.server.batching import Batcher, Limits, QueueFullError
from hdoc.web.server.gate import Rules
from hdoc.web.server.memory import Trimmer, resident
from tests.serving import Served, serving

TEXT = """버스 노선이 바뀌어 출근 시간이 두 배로 늘었습니다.

시장은 새 도서관을 내년 봄에 열겠다고 밝혔다. 아이들은 좋아했다."""
SCRIPT = "<script>alert('버스')</script>"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = Library(tmp_path_factory.mktemp("library") / "library.sqlite", create=True)
    library.add(
        [
            Article(f"도서관 소식 {SCRIPT}", TEXT, "a.txt", "문화", 0.8, "m"),
            Article("공장", "주민들은 공장의 소음 때문에 잠을 못 잔다.", "b.txt", "사회", 0.7, "m"),
        ]
    )
    yield library
    library.close()


@pytest.fixture(scope="module")
def server(tiny_model: Path, library: Library) -> Iterator[Served]:
    rules = Rules(hosts=frozenset({"127.0.0.1", "localhost"}), body_bytes=200_000, file_bytes=300_000)
    with serving(tiny_model, library, Settings(rules, workers=1)) as served:
        yield served


def test_one_document_is_classified_as_the_classifier_does(server: Served) -> None:
    expected = server.classifier.classify([TEXT])[0]
    answer = server.post("/api/v1/classify", {"text": TEXT})
    assert answer.status == 200
    assert answer.json["label"] == expected.label
    assert answer.json["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    strongest = expected.strongest(3)
    assert [sentence["start"] for sentence in answer.json["sentences"]] == [s.start for s in strongest]
    assert [sentence["text"] for sentence in answer.json["sentences"]] == [
        TEXT[s.start : s.end] for s in strongest
    ]


def test_one_document_is_explained_by_the_contract(server: Served) -> None:
    expected = json.loads(json.dumps(server.classifier.explain(TEXT).to_dict()))
    answer = server.post("/api/v1/explain", {"text": TEXT}).json
    assert list(answer) == list(expected)
    assert answer["label"] == expected["label"]
    for given, wanted in zip(answer["sentences"], expected["sentences"], strict=True):
        assert given["contribution"] == pytest.approx(wanted["contribution"], abs=1e-5)
        assert [(w["start"], w["end"]) for w in given["words"]] == [
            (w["start"], w["end"]) for w in wanted["words"]
        ]


def test_a_class_is_explained_against_another(server: Served) -> None:
    answer = server.post("/api/v1/explain", {"text": TEXT, "target": "문화", "versus": "경제"}).json
    assert (answer["target"], answer["versus"]) == ("문화", "경제")
    expected = server.classifier.explain(TEXT, "문화", "경제")
    assert answer["logit"] == pytest.approx(expected.logit, abs=1e-5)


def test_the_words_of_every_class_add_up_to_its_score(server: Served) -> None:
    by_label = server.post("/api/v1/explain", {"text": TEXT, "n_labels": 3}).json["by_label"]
    assert sorted(by_label["labels"]) == ["경제", "문화", "사회"]
    for column, label in enumerate(by_label["labels"]):
        score = by_label["bias"][column] + sum(row[column] for row in by_label["words"])
        assert score == pytest.approx(server.classifier.explain(TEXT, label).logit, abs=1e-4)


@pytest.mark.parametrize("route", ["classify", "explain"])
def test_bad_documents_of_many_are_answered_in_their_place(server: Served, route: str) -> None:
    answer = server.post(f"/api/v1/{route}", {"texts": [TEXT, " \n", 7, None, "", "버스", "\x00"]})
    assert answer.status == 200
    results = answer.json["results"]
    assert ["error" in result for result in results] == [False, True, True, True, True, False, True]
    assert results[2]["error"] == {"kind": "input", "message": "expected a text, got int"}
    assert "nothing to read in 2 characters" in results[1]["error"]["message"]
    assert results[0]["label"] == server.classifier.classify([TEXT])[0].label


@pytest.mark.parametrize(
    ("content", "status", "kind", "words"),
    [
        (b"", 422, "body", "required"),
        (b"{", 400, "body", "JSON"),
        (b"[[" * 50_000, 400, "body", "JSON"),
        (b"\xff\xfe\x00", 400, "body", "JSON"),
        (b"9" * 5_000, 400, "body", "JSON"),
        ({}, 422, "body", "either 'text' or 'texts'"),
        ({"text": TEXT, "texts": [TEXT]}, 422, "body", "either 'text' or 'texts'"),
        ({"text": 3}, 422, "body", "string"),
        ({"text": "\ud800"}, 422, "body", "string"),
        ({"text": TEXT, "surprise": 1}, 422, "body", "surprise"),
        ({"texts": []}, 422, "body", "at least 1"),
        ({"text": " \n\t"}, 422, "input", "nothing to read in 3 characters"),
        ({"text": TEXT, "target": "스포츠"}, 422, "label", "it has: 경제, 사회, 문화"),
        ({"text": TEXT, "target": "문화", "versus": "문화"}, 422, "label", "two different classes"),
        ({"text": TEXT, "n_labels": 1_000}, 422, "body", "n_labels"),
    ],
)
def test_what_cannot_be_answered_is_told(
    server: Served, content: object, status: int, kind: str, words: str
) -> None:
    answer = server.post("/api/v1/explain", content)
    assert (answer.status, answer.kind) == (status, kind)
    assert words in answer.message


def test_an_error_repeats_nothing_of_the_document(server: Served) -> None:
    answer = server.post("/api/v1/explain", {"text": [TEXT]})
    assert answer.status == 422
    assert "버스" not in answer.body.decode()


def test_half_a_surrogate_pair_among_many_is_answered_in_its_place(server: Served) -> None:
    results = server.post("/api/v1/classify", {"texts": ["\ud800버스", TEXT]}).json["results"]
    assert "half a surrogate pair" in results[0]["error"]["message"]
    assert "label" in results[1]


def test_a_body_is_limited(server: Served) -> None:
    answer = server.post("/api/v1/classify", {"text": "가" * 100_000})
    assert (answer.status, answer.kind) == (413, "size")
    assert "200,000 bytes" in answer.message


def test_a_body_without_a_length_is_limited_too(server: Served) -> None:
    import http.client

    host = server.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    parts = (b"x" * 50_000 for _ in range(100))
    try:
        connection.request("POST", "/api/v1/classify", body=parts, encode_chunked=True)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server need not take what is too much
    else:
        assert connection.getresponse().status == 413
    finally:
        connection.close()
    assert server.get("/healthz").status == 200


def test_a_request_for_another_host_is_refused(server: Served) -> None:
    answer = server.get("/api/v1/articles", Host="evil.example")
    assert (answer.status, answer.kind) == (421, "host")


def test_foreign_pages_may_not_read_answers_and_nothing_may_be_framed(server: Served) -> None:
    answer = server.get("/", Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in answer.headers
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert server.get("/api/v1/model").headers["Cache-Control"] == "no-store"


def test_a_token_is_wanted_if_there_is_one(tiny_model: Path) -> None:
    with serving(tiny_model, settings=Settings(Rules(token="열쇠"), workers=1)) as server:
        assert server.get("/healthz").status == 200
        assert server.get("/").status == 200
        key = "열쇠".encode().decode("latin-1")  # headers are bytes, and so urllib takes them
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {key}"}):
            answer = server.get("/api/v1/model", **headers)
            assert (answer.status, answer.kind) == (401, "token")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert server.get("/metrics").status == 401
        assert server.get("/api/v1/model", Authorization=f"Bearer {key}").status == 200


def test_too_much_at_once_is_refused_and_told_when_to_come_back(tiny_model: Path) -> None:
    settings = Settings(limits=Limits(documents=2), workers=1)
    with serving(tiny_model, settings=settings) as server, ThreadPoolExecutor(12) as pool:
        body = {"text": TEXT * 40}
        answers = list(pool.map(lambda _: server.post("/api/v1/classify", body), range(24)))
        statuses = {answer.status for answer in answers}
        assert statuses == {200, 503}
        refused = next(answer for answer in answers if answer.status == 503)
        assert refused.kind == "queue"
        assert int(refused.headers["Retry-After"]) > 0
        assert server.post("/api/v1/classify", {"text": TEXT}).status == 200


def test_what_takes_too_long_is_ended(tiny_model: Path) -> None:
    with serving(tiny_model, settings=Settings(seconds=0.001, workers=1)) as server:
        answer = server.post("/api/v1/explain", {"text": TEXT * 100})
        assert (answer.status, answer.kind) == (504, "time")


def test_concurrent_requests_share_batches_and_change_nothing(server: Served) -> None:
    texts = [f"{TEXT} {i}번째 기사입니다." for i in range(40)]
    expected = [result.label for result in server.classifier.classify(texts)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda text: server.post("/api/v1/classify", {"text": text}), texts))
    assert [answer.json["label"] for answer in answers] == expected
    lines = server.get("/metrics").body.decode().splitlines()
    counts = dict(line.rsplit(" ", 1) for line in lines if line.startswith("hdoc_batch_documents"))
    assert float(counts["hdoc_batch_documents_sum"]) > float(counts["hdoc_batch_documents_count"])
    assert "hdoc_waiting_documents 0.0" in lines


def test_the_trust_check_says_what_deleting_does(server: Served) -> None:
    text = " ".join([TEXT] * 3)
    answer = server.post("/api/v1/check", {"text": text}).json
    assert answer["probability"] == pytest.approx(server.classifier.explain(text).probability, abs=1e-5)
    assert 0 <= answer["sentences"]["without_strongest"] <= 1
    assert len(answer["sentences"]["spans"]) <= 3


def test_a_page_of_its_own_escapes_everything(server: Served) -> None:
    asked = {"text": f"{SCRIPT} {TEXT}", "name": SCRIPT, "language": "en"}
    answer = server.post("/api/v1/explain.html", asked)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<script" not in answer.body.decode()
    assert "&lt;script&gt;" in answer.body.decode()


def test_files_become_text(server: Served) -> None:
    kind = {"Content-Type": "application/octet-stream"}
    answer = server.post("/api/v1/extract?name=letter.txt", "버스 노선이 바뀌었다.".encode("cp949"), **kind)
    assert answer.json == {"name": "letter.txt", "text": "버스 노선이 바뀌었다."}
    page = b"<html><body><p>%s</p></body></html>" % TEXT.encode()
    assert "도서관을" in server.post("/api/v1/extract?name=a.html", page, **kind).json["text"]
    answer = server.post("/api/v1/extract?name=a.pdf", b"%PDF-1.7 broken", **kind)
    assert (answer.status, answer.kind) == (422, "input")
    assert answer.message.startswith("a.pdf: the file is damaged")
    assert server.post("/api/v1/extract?name=a.txt", b"x" * 300_001, **kind).status == 413
    assert server.post("/api/v1/extract", b"x", **kind).status == 422


def test_articles_are_found_and_opened(server: Served) -> None:
    found = server.get("/api/v1/articles?q=%EB%8F%84%EC%84%9C%EA%B4%80").json
    assert [article["title"] for article in found["articles"]] == [f"도서관 소식 {SCRIPT}"]
    assert found["more"] is False
    article = server.get(f"/api/v1/articles/{found['articles'][0]['id']}").json
    assert article["text"] == TEXT
    assert server.get("/api/v1/articles?label=%EC%82%AC%ED%9A%8C").json["articles"][0]["title"] == "공장"
    assert len(server.get("/api/v1/articles?limit=1").json["articles"]) == 1
    assert server.get("/api/v1/articles/99").message == "the library has no article 99"
    assert server.get("/api/v1/articles?q=a").message.startswith("expected a word of at least two")
    assert server.get("/api/v1/articles?limit=0").status == 422


def test_the_server_says_what_it_is(server: Served) -> None:
    facts = server.get("/api/v1/model").json
    assert facts["model"] == dataclasses.asdict(server.classifier.identity)
    assert facts["labels"] == ["경제", "사회", "문화"]
    assert facts["library"] == {"n_articles": 2, "labels": {"문화": 1, "사회": 1}, "same_model": False}
    for sample in facts["samples"]:
        text = server.get(f"/api/v1/samples/{sample['name']}").json["text"]
        assert text.startswith(sample["title"])
    assert server.get("/api/v1/samples/..%2F..%2Fsetup").status == 404


def test_without_a_library_the_server_says_how_to_get_one(tiny_model: Path) -> None:
    with serving(tiny_model) as server:
        assert server.get("/api/v1/model").json["library"] is None
        answer = server.get("/api/v1/articles")
        assert (answer.status, answer.kind) == (404, "path")
        assert "hdoc serve --library" in answer.message


def test_nothing_of_the_page_or_its_documentation_comes_from_elsewhere(server: Served) -> None:
    for path in ("/", "/docs", "/page/app.js", "/page/style.css", "/page/docs.js"):
        answer = server.get(path)
        assert answer.status == 200
        assert b"//" not in answer.body.replace(b"<!doctype", b"").replace(
            b"http://www.w3.org", b""
        ) or path.endswith(".js")
        assert b"https:" not in answer.body
    assert server.get("/docs/swagger-ui-bundle.js").status == 200
    assert server.get("/docs/anything.js").status == 404
    assert server.get("/page/../app.py").status == 404


def test_logs_hold_no_text(server: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="hdoc.web"):
        server.post("/api/v1/explain", {"text": TEXT, "target": "스포츠비밀"})
        server.get("/api/v1/articles?q=secretword")
        expected = [("/api/v1/explain", 422), ("/api/v1/articles", 200)]
        deadline = time.monotonic() + 5
        found: list[tuple[str, int]] = []
        # The line of an earlier test's last request may still come first.
        while found[-2:] != expected and time.monotonic() < deadline:
            time.sleep(0.01)
            entries = [json.loads(record.getMessage()) for record in caplog.records]
            found = [(entry["route"], entry["status"]) for entry in entries]
    assert found[-2:] == expected
    assert "버스" not in caplog.text
    assert "비밀" not in caplog.text
    assert "secretword" not in caplog.text


def test_a_fault_is_logged_by_its_place_and_answered_without_its_words(
    server: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("버스 노선이 바뀌어")

    monkeypatch.setattr(server.classifier, "analyse", break_down)
    with caplog.at_level(logging.INFO, logger="hdoc.web"):
        answer = server.post("/api/v1/explain", {"text": TEXT})
        deadline = time.monotonic() + 5
        while not caplog.records and time.monotonic() < deadline:
            time.sleep(0.01)
    assert (answer.status, answer.kind) == (500, "internal")
    assert "버스" not in answer.body.decode() + caplog.text
    assert "RuntimeError at" in json.loads(caplog.records[-1].getMessage())["fault"]
    monkeypatch.undo()
    assert server.post("/api/v1/explain", {"text": TEXT}).status == 200


def test_a_long_text_is_split_in_parts_with_the_same_result(tiny_model: Path) -> None:
    text = "".join(f"{TEXT}\r\n{'끝나지 않는 줄 ' * (i * 400)}\n" for i in range(5))

    async def split() -> None:
        batcher = Batcher(DocumentClassifier.load(tiny_model, "cpu"), workers=1)
        try:
            assert await batcher._splitter.split(text) == split_sentences(text)
        finally:
            batcher.close()

    asyncio.run(split())


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_free_memory_goes_back_to_the_system() -> None:
    ctypes.CDLL(None).malloc_trim(0)  # what other tests left free would hide the growth
    trim = Trimmer()
    assert not trim()  # the first call learns how large the process is
    # Small blocks with one kept at the end: the heap cannot shrink by itself.
    blocks = [bytearray(60_000) for _ in range(3_000)]
    last = blocks.pop()
    grown = resident()
    blocks.clear()
    assert trim()
    assert resident() < grown - 100 * 2**20
    assert not trim()  # not again within a second
    assert len(last) == 60_000


def test_a_process_that_was_ended_is_replaced(tiny_model: Path) -> None:
    async def kill_and_go_on() -> None:
        batcher = Batcher(DocumentClassifier.load(tiny_model, "cpu"), workers=1)
        try:
            before = await batcher.submit(TEXT, lambda analysis: analysis.classification())
            for process in list(batcher._splitter._pool._processes.values()):
                os.kill(process.pid, signal.SIGKILL)
                process.join()
            assert await batcher.submit(TEXT, lambda analysis: analysis.classification()) == before
        finally:
            batcher.close()

    asyncio.run(kill_and_go_on())


def test_a_closed_batcher_takes_nothing_more(tiny_model: Path) -> None:
    async def come_too_late() -> None:
        batcher = Batcher(DocumentClassifier.load(tiny_model, "cpu"), workers=1)
        await batcher.submit(TEXT, lambda analysis: analysis.classification())
        splitting = asyncio.create_task(batcher.submit(TEXT, lambda analysis: analysis.classification()))
        while not batcher.n_documents:
            await asyncio.sleep(0)
        with batcher._wake:
            batcher._closed = True
            batcher._wake.notify()
        with pytest.raises(QueueFullError, match="stopping"):
            await splitting
        batcher.close()

    asyncio.run(come_too_late())


def test_a_taken_port_is_told(tiny_model: Path, server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    port = server.url.rsplit(":", 1)[1]
    assert main(["serve", "-m", str(tiny_model), "--port", port]) == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in capsys.readouterr().err
    assert threading.active_count() < 100


def test_the_command_serves_until_it_is_interrupted(tiny_model: Path, tmp_path: Path) -> None:
    import re
    import subprocess
    import sys
    import urllib.request

    environment = {**os.environ, "HDOC_LIBRARY": str(tmp_path / "none.sqlite")}
    command = [sys.executable, "-m", "hdoc", "serve", "-m", str(tiny_model), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert address, line
        with urllib.request.urlopen(address.group(), timeout=30) as response:
            assert response.status == 200
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        process.wait(timeout=30)
    assert "Traceback" not in rest
    assert json.loads(rest.splitlines()[0])["route"] == "/"

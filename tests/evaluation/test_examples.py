import json

import pytest

from hdoc.evaluation.agreement import marked_words
from hdoc.evaluation.examples import Columns, marked_share, read_examples
from tests.known import FOR, known_classifier


def test_rationales_are_spans_of_characters_or_of_tokens(tmp_path) -> None:
    text = f"오늘 {FOR} 버스\n도로 사람"
    start = text.index(FOR)
    rows = [
        {"text": text, "label": "체육", "evidences": [[start, start + 5], [0, 1]]},
        {"text": text, "label": "체육", "evidences": [[{"start_token": 1, "end_token": 3, "text": "…"}]]},
        {"text": text, "label": "체육", "evidences": None},
    ]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_examples(path, Columns(rationale="evidences"), ["체육"])
    assert found[0].rationale == ((0, 1), (start, start + 5))
    assert found[1].rationale == ((start, start + 5),)
    assert found[2].rationale is None
    explanation = known_classifier().explain(text)
    assert marked_words(explanation, found[1].rationale).tolist() == [False, True, True, False, False]
    assert marked_share(found) == pytest.approx((3 / 5 + 2 / 5) / 2)

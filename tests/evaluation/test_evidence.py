import math
from functools import partial

import pytest

from hdoc.evaluation.evidence import gather_evidence
from hdoc.evaluation.evidence_page import evidence_page
from hdoc.evaluation.examples import Example
from hdoc.text.sentences import split_sentences
from tests.known import AGAINST, FOR, document, known_classifier


def test_evidence_sums_over_documents_and_finds_boiler_plate() -> None:
    classifier = known_classifier()
    by_line = f"공원 {AGAINST}"  # stands under every document of one class
    examples = [
        Example("a", document([f"{FOR} 버스", "오늘 날씨"]), ("체육",)),
        Example("b", document(["사람 저녁", by_line]), ("경제",)),
        Example("c", document(["버스 도로 <b>", by_line]), ("경제",)),
        Example("d", document([f"{FOR} 학교"]), ("체육",)),
    ]
    sports, economy = gather_evidence(
        classifier, examples, partial(split_sentences, rule="lines"), n_strongest=5
    )
    assert (sports.documents, economy.documents) == (2, 2)
    strongest = economy.sentences_for[0]
    assert (strongest.text, strongest.documents, strongest.share_of_class) == (by_line, 2, 1)
    # 40 √2 over the two words and the two sentences, less the mean over two classes, in two documents.
    assert strongest.contribution == pytest.approx(2 * 40 * math.sqrt(2) / 4 / 2, rel=1e-4)
    assert economy.words_against[0].text == FOR
    assert all(item.documents >= 2 for side in (economy.words_for, sports.words_for) for item in side)
    page = evidence_page([sports, economy], classifier.identity, "data.jsonl", centred=True)
    assert by_line in page
    assert "<b>" not in page

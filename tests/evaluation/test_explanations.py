from functools import partial

from hdoc.evaluation.examples import Example
from hdoc.evaluation.explanations import ExplanationEvaluator
from hdoc.text.sentences import split_sentences
from tests.known import AGAINST, FOR, document, known_classifier


def test_each_document_has_a_shuffle_of_its_own() -> None:
    evaluator = ExplanationEvaluator(
        known_classifier(), partial(split_sentences, rule="lines"), ["contribution"]
    )
    text = document([f"오늘 {FOR} 버스 날씨 도로", f"사람 {AGAINST} 저녁 시장", "공원 의자 학교"])
    example = Example("a", text, ("체육",))
    measured = [evaluator.measure(row, example, "체육")["methods"] for row in (0, 0, 1, 2, 3, 4)]
    shuffled = [methods["random weights"] for methods in measured]
    assert shuffled[0] == shuffled[1]
    assert any(other != shuffled[0] for other in shuffled[2:])
    assert all(methods["contribution"]["word"] == measured[0]["contribution"]["word"] for methods in measured)

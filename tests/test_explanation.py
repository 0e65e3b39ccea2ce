from dataclasses import FrozenInstanceError, asdict

import pytest

from hdoc import Explanation, ModelIdentity, SentenceShare, WordShare
from hdoc.explanation import by_strength, strongest

WORDS = (WordShare(0, 2, 0.25, -0.5), WordShare(3, 5, 0.75, 2.0))
EXPLANATION = Explanation(
    model=ModelIdentity("petitions", "1", "ab" * 32),
    label="행정",
    probability=0.75,
    probabilities={"행정": 0.75, "미래": 0.25},
    target="행정",
    versus=None,
    logit=1.75,
    bias=0.25,
    method="contribution",
    coverage=1.0,
    n_characters=5,
    sentences=(SentenceShare(0, 5, 1.0, 1.5, WORDS),),
)


def test_the_contract_has_these_keys_in_this_order() -> None:
    value = EXPLANATION.to_dict()
    assert list(value) == [
        "schema_version", "model", "label", "probability", "probabilities", "target", "versus", "logit",
        "bias", "method", "coverage", "n_characters", "sentences",
    ]  # fmt: skip
    assert value["schema_version"] == 1
    assert list(value["model"]) == ["name", "version", "checksum"]
    assert list(value["sentences"][0]) == ["start", "end", "attention", "contribution", "words"]
    assert value["sentences"][0]["words"][1] == {"start": 3, "end": 5, "attention": 0.75, "contribution": 2.0}


def test_every_field_is_in_the_contract() -> None:
    value = EXPLANATION.to_dict()
    value.pop("schema_version")
    plain = asdict(EXPLANATION)
    plain["sentences"] = [sentence | {"words": list(sentence["words"])} for sentence in plain["sentences"]]
    assert value == plain


def test_the_strongest_shares_are_the_largest_whatever_they_argue_for() -> None:
    shares = [
        WordShare(place, place + 1, 0.2, value) for place, value in enumerate([0.5, -2.0, 0.0, 2.0, -0.5])
    ]
    assert by_strength(shares) == [1, 3, 0, 4, 2]
    assert [share.contribution for share in strongest(shares)] == [-2.0, 2.0, 0.5, -0.5]
    assert strongest(shares, 1) == [shares[1]]
    assert strongest([], 3) == []


def test_an_explanation_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        EXPLANATION.label = "미래"  # type: ignore[misc]

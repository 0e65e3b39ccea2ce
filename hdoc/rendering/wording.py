"""Every word that a reader of an explanation sees, in Korean and in English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["ko", "en"]

_FIRST_SYLLABLE, _LAST_SYLLABLE, _N_FINALS = 0xAC00, 0xD7A3, 28


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one language; the view fills in the names in braces."""

    category: str
    question: str
    other_target: str
    doubtful: str
    supports: str
    opposes: str
    side: str
    strongest_word: str
    labels: str
    article: str
    sentences: str
    words: str
    about: str
    back: str
    contribution: str
    left_out: str
    shortened: str
    empty: str
    model: str
    checksum: str
    method: str
    coverage: str
    read: str
    score: str
    sum: str
    meaning: str
    caution: str
    other_method: str


WORDING: dict[Language, Wording] = {
    "ko": Wording(
        category="분류",
        question="왜 ‘{target}’이고 ‘{versus}’{subject} 아닌가",
        other_target="아래는 가장 유력한 분류가 아니라 ‘{target}’({probability})의 근거입니다.",
        doubtful="확률이 낮습니다. 다음 후보는 ‘{label}’({probability})이고, "
        "모델이 아는 분류 어디에도 맞지 않는 글일 수 있습니다.",
        supports="뒷받침하는 근거",
        opposes="반대 근거",
        side="‘{label}’ 쪽",
        strongest_word="가장 강한 단어",
        labels="확률",
        article="본문",
        sentences="가장 강한 문장",
        words="가장 강한 단어",
        about="이 설명에 대하여",
        back="순위 {rank}위 문장, 목록으로",
        contribution="기여도",
        left_out="⋮ 문장 {n:,}개 생략 ({share})",
        shortened="문장 {n:,}개 가운데 가장 강한 {shown:,}개를 보였습니다. "
        "순위는 --top N, 전체 본문은 --format html로 볼 수 있습니다.",
        empty="문장이 없습니다.",
        model="모델",
        checksum="체크섬",
        method="방법",
        coverage="읽은 범위",
        read="본문의 {coverage} · 문장 {sentences:,}개 · 단어 {words:,}개",
        score="점수",
        sum="{logit:+.3f} = 기본값 {bias:+.3f}, 문장 합 {sentences:+.3f}",
        meaning="백분율은 문장(단어)의 기여도를 모든 문장(단어) 기여도의 절댓값 합으로 나눈 값이고, "
        "색은 가장 강한 문장(단어)에 견주어 비례하여 진해지며, 기본값에 모든 기여도를 더하면 점수가 됩니다.",
        caution="기여도는 모델의 계산을 정확히 나눈 몫이며, 현실의 원인을 증명하지는 않습니다.",
        other_method="‘{method}’ 방법의 점수입니다. 모델의 계산을 나눈 몫이 아니며, "
        "기본값은 모델 점수에서 이 점수들의 합을 뺀 나머지입니다.",
    ),
    "en": Wording(
        category="Category",
        question="Why “{target}” and not “{versus}”",
        other_target="This is the evidence for “{target}” ({probability}), not for the most probable one.",
        doubtful="The probability is low. Next comes “{label}” ({probability}); the text may fit none of the "
        "categories that the model knows.",
        supports="evidence for",
        opposes="evidence against",
        side="towards “{label}”",
        strongest_word="strongest word",
        labels="Probability",
        article="Text",
        sentences="Strongest sentences",
        words="Strongest words",
        about="About this explanation",
        back="Ranked {rank}, back to the list",
        contribution="contribution",
        left_out="⋮ {n:,} sentences left out ({share})",
        shortened="The {shown:,} strongest of {n:,} sentences are shown. "
        "--top N ranks them, --format html shows the whole text.",
        empty="There are no sentences.",
        model="Model",
        checksum="Checksum",
        method="Method",
        coverage="Read",
        read="{coverage} of the text · {sentences:,} sentences · {words:,} words",
        score="Score",
        sum="{logit:+.3f} = bias {bias:+.3f}, sentences {sentences:+.3f}",
        meaning="A percentage is the contribution of a sentence (or word) divided by the sum of the absolute "
        "contributions of all sentences (or words); shades are linear to the strongest one; the bias and all "
        "contributions add up to the score.",
        caution="Contributions divide the model's computation exactly; they do not prove a cause.",
        other_method="These are scores of the method “{method}”, not shares of the model's computation; "
        "the bias is what their sum leaves of the model's score.",
    ),
}


def subject_particle(word: str) -> str:
    """Return 이 after a final consonant, 가 after a vowel, 이(가) after what is not Hangul."""
    last = ord(word[-1]) if word else 0
    if not _FIRST_SYLLABLE <= last <= _LAST_SYLLABLE:
        return "이(가)"
    return "이" if (last - _FIRST_SYLLABLE) % _N_FINALS else "가"

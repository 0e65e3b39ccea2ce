"""The result of a check by deletion, in words."""

from __future__ import annotations

from hdoc.faithfulness.check import TrustCheck
from hdoc.rendering.scale import probability
from hdoc.rendering.symbols import visible_line
from hdoc.rendering.wording import Language, subject_particle

_WORDS: dict[Language, dict[str, str]] = {
    "ko": {
        "one": "가장 강한 {unit} 하나가 없으면 ‘{target}’ 확률이 {before}에서 {after}로 {moves}. "
        "무작위로 {unit} 하나를 빼면 평균 {random}입니다.",
        "many": "가장 강한 {unit} {n}개가 없으면 ‘{target}’ 확률이 {before}에서 {after}로 {moves}. "
        "무작위로 {unit} {n}개를 빼면 평균 {random}입니다.",
        "falls": "떨어집니다",
        "rises": "오릅니다",
        "warning": "주의: 이 {unit} 순위는 무작위보다 낫지 않으니 그대로 믿지 마십시오.",
        "nothing": "{unit}: 글이 너무 짧거나 이 분류를 뒷받침하는 {unit}{subject} 없어 비교할 수 없습니다.",
        "pair": "{target}({versus} 대신)",
        "sentence": "문장",
        "word": "단어",
    },
    "en": {
        "one": "Without the strongest {unit} the probability of “{target}” {moves} from {before} to {after}; "
        "without a random one it is {random} on average.",
        "many": "Without the {n} strongest {unit}s the probability of “{target}” {moves} from {before} to "
        "{after}; without {n} random ones it is {random} on average.",
        "falls": "falls",
        "rises": "rises",
        "warning": "Caution: this order of {unit}s is no better than random; do not rely on it.",
        "nothing": "{unit}s: nothing to compare; the text is too short, or no {unit} argues for the class.",
        "pair": "{target} rather than {versus}",
        "sentence": "sentence",
        "word": "word",
    },
}


def in_words(found: TrustCheck, language: Language = "ko") -> list[str]:
    """Return the result of a check in a line for each unit; a warning is a line of its own."""
    words = _WORDS[language]
    target = visible_line(found.target)
    if found.versus is not None:
        target = words["pair"].format(target=target, versus=visible_line(found.versus))
    lines = []
    for unit, deletion in (("sentence", found.sentences), ("word", found.words)):
        if deletion is None:
            line = words["nothing"].format(unit=words[unit], subject=subject_particle(words[unit]))
            lines.append(line[0].upper() + line[1:])
            continue
        n = len(deletion.spans)
        line = words["one" if n == 1 else "many"]
        lines.append(
            line.format(
                unit=words[unit],
                n=n,
                target=target,
                before=probability(found.probability),
                after=probability(deletion.without_strongest),
                random=probability(deletion.without_random),
                moves=words["falls" if deletion.without_strongest <= found.probability else "rises"],
            )
        )
        if not deletion.beats_random:
            lines.append(words["warning"].format(unit=words[unit]))
    return lines

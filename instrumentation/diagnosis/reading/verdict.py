"""Read the verdict of a reviewer: from structured fields, else from capitals, else from its words.

A text that merely contains a word of a verdict is not a verdict: "revised figures", "guidance may
be revised" and "the company does not approve loans" state facts. In prose, a verdict opens its
sentence, is an act of the speaker, or is said of the text at hand.
"""

import re
from collections.abc import Iterable, Iterator

from instrumentation.diagnosis.reading.lexicon import APPROVAL, NEGATION, OBJECTION, VERDICT_TOKEN
from instrumentation.diagnosis.reading.span_values import as_number
from instrumentation.diagnosis.reading.texts import iter_fields

MAX_FIELD_WORDS = 3
"""A longer field is prose, not a verdict."""
MAX_TEXT_WORDS = 60
"""A longer text is a result, not a verdict."""
VERDICT_FIELD = re.compile(
    r"(?:\w+_)?(?:verdict|decision|approv(?:al|ed)|accepted|rejected|pass(?:ed)?|outcome|status"
    r"|recommendation|judge?ment|valid|ok)",
    re.I,
)
"""Names of fields in which a verdict is expected."""
REJECTED_FIELD = re.compile(r"(?:\w+_)?rejected", re.I)
SCORE_FIELD = re.compile(r"(?:\w+_)?(?:score|rating|grade)", re.I)
THRESHOLD_FIELD = re.compile(
    r"(?:\w+_)?(?:threshold|pass_mark|(?:min(?:imum)?|required)_(?:score|rating|grade))", re.I
)
CODE_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.S)
WORD = rf"(?P<word>{APPROVAL.pattern}|{OBJECTION.pattern})"
TEXT_AT_HAND = (
    r"(?:this|it|that|(?:the|your) (?:draft|text|report|summary|answer|version|article|briefing"
    r"|plan|work|document|output|code|change|paragraph|sentence|unit|citation|figure|number|claim)s?"
    r"(?: (?:for|of) \w+)?)"
)
NO_FACT = r"(?! (?:by|in|to|that|for|at|of)\b)"
"""What follows "it is wrong" in a statement of facts: "it is wrong in 2% of cases"."""
STEPS = (
    r"(?:(?:do|does|did|can|could|would|must|have to|am|are|will|cannot|can['’]t|don['’]t|won['’]t"
    r"|not|never|hereby|therefore|still|also|fully|to|unable|not able|happy|glad)\s+)*"
)
VERDICT_SENTENCES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"^\W*(?:(?:\w+ )?(?:verdict|decision|review|result|recommendation)(?: is)?\W+)?"
        rf"(?:not |cannot )?{WORD}"
        r"(?=\W*$|\s*[.,;!—–]|\s*:(?!\s*\d)|\s+-\s|\s+(?:because|as|until|with|without|since)\b)",
        r"^\W*(?:please )?(?P<word>revise|redo|rework|rewrite|reject)\b",
        rf"\b(?:I|we)(?:['’]\w+)?\s+{STEPS}(?P<word>approve|accept|reject|decline|object)"
        rf"(?=\W*$|[.,:;!]|\s+(?:because|as|until|with|without|to)\b|\s+{TEXT_AT_HAND}\b)",
        r"\byou (?:must|should|have to|need to) (?P<word>revise|rewrite|redo|rework)\b",
        rf"\b{TEXT_AT_HAND}\s+(?:still )?(?:is|are|isn['’]t|aren['’]t|looks|seems|remains)\s+"
        r"(?:still |not |now |fully |clearly |plainly )*"
        r"(?P<word>approved|accept(?:ed|able)|rejected|(?:in)?valid|(?:in)?correct|wrong|ok(?:ay)?)\b"
        rf"{NO_FACT}",
        rf"\b{TEXT_AT_HAND}\s+(?:still )?(?:must|should|has to|have to|needs? to)\s+be\s+"
        rf"(?P<word>revised|redone|reworked|rewritten|corrected|rejected|approved)\b{NO_FACT}",
        rf"\b{TEXT_AT_HAND}\s+(?:cannot|can['’]t|can not)\s+be\s+(?P<word>approved|accepted)\b"
        rf"{NO_FACT}",
        r"\bplease (?P<word>revise|redo|rework|rewrite)\b",
        r"(?P<word>\b(?:changes? (?:are )?requested|needs? (?:work|changes|(?:a )?revision))\b)",
    )
)
"""The sentence forms that are verdicts. A matched word that is not an approval is an objection."""
SENTENCE = re.compile(r"[^.!?;\n]+[.!?;]*")


def read_verdict(output: str) -> bool | None:
    """Return True for approval, False for objection, None if the output is no verdict."""
    fenced = CODE_FENCE.fullmatch(output)
    text = fenced[1] if fenced else output
    if "" not in dict(iter_fields(text)):
        return read_verdict_field(text)
    if len(text.split()) > MAX_TEXT_WORDS:
        return None
    if VERDICT_TOKEN.search(text):
        return _weigh((text, match) for match in VERDICT_TOKEN.finditer(text))
    return _weigh(_find_verdict_sentences(text))


def read_verdict_field(value: object) -> bool | None:
    """The verdict in a field of a structured value: `"decision": "revise"`, `"approved": false`.

    A field of any other name is a verdict if its text is nothing else. A score is a verdict if the
    number that it must reach is beside it.
    """
    fields = list(iter_fields(value))
    named = (_read_named(name, field) for name, field in fields if VERDICT_FIELD.fullmatch(name))
    if (verdict := next((one for one in named if one is not None), None)) is not None:
        return verdict
    texts = (field.strip() for _, field in fields if isinstance(field, str))
    bare = (match for text in texts if (match := re.fullmatch(rf"(?:not )?{WORD}\W*", text, re.I)))
    return next((_weigh([(match.string, match)]) for match in bare), _read_score(dict(fields)))


def _read_named(name: str, field: object) -> bool | None:
    """The verdict in a field that is named like one."""
    if isinstance(field, bool):
        return field is not bool(REJECTED_FIELD.fullmatch(name))
    if not isinstance(field, str) or len(field.split()) > MAX_FIELD_WORDS:
        return None
    return _weigh((field, match) for match in re.finditer(WORD, field, re.I))


def _read_score(fields: dict[str, object]) -> bool | None:
    scores = [value for name, value in fields.items() if SCORE_FIELD.fullmatch(name)]
    thresholds = [value for name, value in fields.items() if THRESHOLD_FIELD.fullmatch(name)]
    if len(scores) != 1 or len(thresholds) != 1:
        return None
    score, threshold = (as_number(one, float("nan")) for one in (*scores, *thresholds))
    return score >= threshold if score == score and threshold == threshold else None


def _find_verdict_sentences(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for sentence in SENTENCE.findall(text):
        for form in VERDICT_SENTENCES:
            yield from ((sentence, match) for match in form.finditer(sentence))


def _weigh(found: Iterable[tuple[str, re.Match[str]]]) -> bool | None:
    """The verdict of words in their texts; None if there is none, or if they contradict.

    "I cannot approve this" is an objection.
    """
    verdicts = set()
    for text, match in found:
        is_approval = APPROVAL.fullmatch(match["word"]) is not None
        verdicts.add(is_approval is not _is_negated(text, match.start("word")))
    return verdicts.pop() if len(verdicts) == 1 else None


def _is_negated(text: str, position: int) -> bool:
    """Whether a negation is among the three words before a position."""
    before = re.findall(r"[\w'’]+", text[max(position - 40, 0) : position])[-3:]
    return NEGATION.search(" ".join(before)) is not None

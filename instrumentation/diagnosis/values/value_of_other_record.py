"""Tool-output misreading: a text states the value of one record of a table for another one."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.grounding import iter_sources
from instrumentation.diagnosis.reading.span_values import iter_records
from instrumentation.diagnosis.reading.texts import content_words, plain_text, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.values.changed_unit_or_period import MODE
from instrumentation.trace.span import Span

FIX = "Let a check look up each figure under the name that it is stated for."
SENTENCE = re.compile(r"[^.;\n]+(?:\.\d[^.;\n]*)*")
NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-])")
MAX_RECORDS = 50
"""Longer tables are not compared."""


@dataclass(frozen=True)
class Record:
    """An object that a tool returned, and the texts that only this one of its table has."""

    span: Span
    fields: Mapping[str, Any]
    names: frozenset[str]

    @cached_property
    def numbers(self) -> dict[str, float]:
        return {
            name: float(value)
            for name, value in self.fields.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

    def is_named_in(self, sentence: str) -> bool:
        return any(name in sentence for name in self.names)


def find_values_of_other_records(reading: TraceReading) -> Iterator[Finding]:
    """Yield completions that state one record's value for another, if the answer does so, too."""
    tables = list(_read_tables(reading))
    answer = list(_mistakes(tables, reading.index.answer)) if tables else []
    for completion in reading.index.completions if answer else ():
        for sentence, record, other, name in _mistakes(tables, plain_text(completion.answer.text)):
            if not any(record is one and other is source for _, one, source, _ in answer):
                continue
            value = to_json_text(record.fields[name])
            yield reading.build_finding(
                MODE,
                completion.span,
                FIX,
                0.85,
                quote(completion.span, sentence, f"this is the {name} of another record"),
                quote(record.span, record.fields, f"its {name} is {value}"),
                quote(other.span, other.fields, "this record has the value"),
                carries=lambda text: bool(list(_mistakes(tables, text))),
            )
            return


def _read_tables(reading: TraceReading) -> Iterator[Sequence[Record]]:
    """The records that one tool returned with the same fields, in one call or in several."""
    shapes: dict[tuple[str, frozenset[str]], list[tuple[Span, Mapping[str, Any]]]] = {}
    for call in iter_sources(reading.index):
        for fields in iter_records(call.outputs):
            shapes.setdefault((call.name, frozenset(fields)), []).append((call, fields))
    for found in shapes.values():
        if 1 < len(found) <= MAX_RECORDS:
            yield [
                Record(span, fields, _own_names(fields, [one for _, one in found]))
                for span, fields in found
            ]


def _own_names(fields: Mapping[str, Any], table: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    others = " ".join(plain_text(list(one.values())) for one in table if one is not fields)
    texts = (value for value in fields.values() if isinstance(value, str))
    return frozenset(text for text in texts if len(text) > 2 and text not in others)


def _mistakes(
    tables: Sequence[Sequence[Record]], text: str
) -> Iterator[tuple[str, Record, Record, str]]:
    """Each sentence on one record that states another one's value, both records, and the field."""
    for sentence in SENTENCE.findall(text):
        numbers = {float(one.replace(",", "")) for one in NUMBER.findall(sentence)}
        for table in tables if numbers else ():
            named = [record for record in table if record.is_named_in(sentence)]
            if len(named) == 1:
                yield from _mistaken_fields(sentence, numbers, named[0], table)


def _mistaken_fields(
    sentence: str, numbers: set[float], record: Record, table: Sequence[Record]
) -> Iterator[tuple[str, Record, Record, str]]:
    words = content_words(sentence)
    for name, value in record.numbers.items():
        if value in numbers or not content_words(name.replace("_", " ")) & words:
            continue
        for number in numbers - set(record.numbers.values()):
            owners = [other for other in table if other.numbers.get(name) == number]
            if owners:
                yield sentence.strip(), record, owners[0], name

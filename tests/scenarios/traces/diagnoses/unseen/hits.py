"""Compare diagnoses with the truth, and render the comparison as tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from instrumentation.diagnosis import DETECTORS, Detector, Finding, diagnose
from instrumentation.trace import Trace
from tests.scenarios.traces.diagnoses.unseen.case import Case, Truth


@dataclass(frozen=True)
class Hit:
    """What of a truth a finding names; without a finding, nothing."""

    truth: Truth
    finding: Finding | None
    agent: bool
    span: bool
    mode: bool

    @property
    def score(self) -> int:
        return self.agent + self.span + self.mode


@dataclass(frozen=True)
class Result:
    """The findings in a run, one hit per truth, and the findings that fit no truth."""

    case: Case
    findings: Sequence[Finding]
    hits: Sequence[Hit]
    others: Sequence[Finding]


def compare(case: Case, trace: Trace, detectors: Sequence[Detector] = DETECTORS) -> Result:
    """Compare the first finding with the origin, and the best of the others with a second truth."""
    findings = diagnose(trace, detectors).findings
    hits, others = list[Hit](), list(findings)
    for truth in case.truths:
        candidates = others[:1] if not hits else others
        options = [_compare_finding(truth, one, trace) for one in candidates]
        best = max(
            options, key=lambda hit: hit.score, default=Hit(truth, None, False, False, False)
        )
        hits.append(best)
        others = [one for one in others if one is not best.finding]
    return Result(case, findings, hits, others)


def score(results: Sequence[Result]) -> int:
    """How many agents, spans and modes are right."""
    return sum(hit.score for result in results for hit in result.hits)


def _compare_finding(truth: Truth, finding: Finding, trace: Trace) -> Hit:
    spans = [span for place in truth.places for span in place.find(trace)]
    is_span = any(span is finding.origin for span in spans)
    return Hit(truth, finding, finding.agent in truth.agents, is_span, finding.mode in truth.modes)


def render_tables(results: Sequence[Result]) -> str:
    """Render the totals by program, then one row per fault."""
    return "\n".join([*_totals(results), "", *_rows(results)])


def _totals(results: Sequence[Result]) -> Iterable[str]:
    yield "| program | faults | agent | span | mode | healthy runs | with a finding |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for program, group in groupby(results, key=lambda result: result.case.program):
        yield _total(program, list(group))
    yield _total("**all**", results)


def _total(name: str, results: Sequence[Result]) -> str:
    hits = [hit for result in results for hit in result.hits]
    healthy = [result for result in results if not result.case.truths]
    counts = [
        len(hits),
        sum(hit.agent for hit in hits),
        sum(hit.span for hit in hits),
        sum(hit.mode for hit in hits),
        len(healthy),
        sum(bool(result.findings) for result in healthy),
    ]
    return f"| {name} | {' | '.join(map(str, counts))} |"


def _rows(results: Sequence[Result]) -> Iterable[str]:
    yield "| program | fault | finding | agent | span | mode | further findings |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for result in results:
        further = ", ".join(f"{one.mode} ({one.agent})" for one in result.others)
        for hit in result.hits:
            found = f"{hit.finding.mode} ({hit.finding.agent})" if hit.finding else "nothing"
            marks = " | ".join(
                "yes" if right else "no" for right in (hit.agent, hit.span, hit.mode)
            )
            story = result.case.story
            if len(result.hits) > 1:
                story = f"{story}: {hit.truth.words}"
            yield f"| {result.case.program} | {story} | {found} | {marks} | {further} |"

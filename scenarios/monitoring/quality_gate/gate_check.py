"""A check of a quality gate, and the report of all its checks."""

from dataclasses import asdict, dataclass
from typing import Any

from scenarios.monitoring.quality_gate.gate_file import QualityGate

PASSED, FAILED, NOT_EVALUATED, SKIPPED = "passed", "failed", "not evaluated", "skipped"
EXIT_CODES = {PASSED: 0, FAILED: 1, NOT_EVALUATED: 2}


@dataclass(frozen=True)
class GateCheck:
    """One check.

    Attributes:
        section: The section of the file that asks for it.
        verdict: "passed", "failed", "not evaluated", or "skipped" if it does not apply.
        measured: The measured value as text; empty if there is none.
        reason: Why it did not pass.
        trace_id: The trace to look at.
    """

    section: str
    name: str
    verdict: str
    measured: str
    limit: str
    reason: str = ""
    trace_id: str = ""


@dataclass(frozen=True)
class GateReport:
    """All checks of a gate, and how many finished traces it read."""

    gate: QualityGate
    traces: int
    checks: tuple[GateCheck, ...]

    @property
    def verdict(self) -> str:
        """ "failed" if a check failed; else "not evaluated" if one could not be made: no pass."""
        verdicts = {check.verdict for check in self.checks}
        return next((one for one in (FAILED, NOT_EVALUATED) if one in verdicts), PASSED)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """The report as `quality-gate --json` prints it."""
        return {
            "verdict": self.verdict,
            "gate": str(self.gate.source.path),
            "since": self.gate.start.isoformat(timespec="seconds"),
            "traces": self.traces,
            "checks": [asdict(check) for check in self.checks],
        }

"""Each detector as an `mlflow.genai` scorer, so that `mlflow.genai.evaluate` counts failures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from instrumentation.diagnosis import DETECTORS, Detector, diagnose
from instrumentation.trace import trace_from_mlflow
from scenarios.traces.diagnoses.assessments import explain_finding

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer


def diagnosis_scorers(detectors: Sequence[Detector] = DETECTORS) -> list["Scorer"]:
    """One scorer per detector: its value is whether the trace does not have that failure.

    Example:
        traces = mlflow.search_traces(locations=[experiment_id])
        mlflow.genai.evaluate(data=traces, scorers=diagnosis_scorers())
    """
    return [_build_scorer(detector) for detector in detectors]


def _build_scorer(detector: Detector) -> "Scorer":
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import scorer  # takes three seconds

    def score(trace: Any) -> Feedback:
        found = diagnose(trace_from_mlflow([trace.to_dict()]), [detector]).findings
        rationale = "\n\n".join(map(explain_finding, found)) or "nothing found"
        return Feedback(value=not found, rationale=rationale)

    return scorer(
        score,
        name=detector.__name__.removeprefix("find_"),
        description=(detector.__doc__ or "").partition("\n")[0],
    )

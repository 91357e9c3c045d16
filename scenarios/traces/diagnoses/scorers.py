"""Each detector as an `mlflow.genai` scorer, so that `mlflow.genai.evaluate` counts failures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from instrumentation.diagnosis import DETECTORS, Detector, diagnose
from scenarios.testing.scorers import make_scorer
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
    return make_scorer(
        lambda trace, _: ["\n\n".join(map(explain_finding, diagnose(trace, [detector]).findings))],
        detector.__name__.removeprefix("find_"),
        description=(detector.__doc__ or "").partition("\n")[0],
    )

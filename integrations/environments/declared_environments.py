"""The cells of the matrix: which versions meet, and what is to be seen where they do."""

from integrations.environments.environment_spec import AUTOLOGS, OWN, Cell
from integrations.environments.lock_file import OTHERS

CREWAI = ("crewai",)
AUTOGEN = ("autogen",)
OLD_AUTOGEN = ("autogen-agentchat==0.6.1", "openai<2")
OLD_STORE = "sqlalchemy<2.1"
"""MLflow before 3.9 imports from SQLAlchemy what 2.1 no longer has: mlflow#20203."""
OLD_SPANS = (
    "opentelemetry-api<1.38",
    "opentelemetry-sdk<1.38",
    "opentelemetry-exporter-otlp-proto-http<1.38",
)
"""MLflow before 3.4 does not initialise the span processor that it extends. A newer OpenTelemetry
reads there what only that sets, and the spans are dropped."""

LOCKED = Cell("locked", note="what the lock pins, and the goldens are of")
FOREIGN = tuple(
    Cell(
        each.stands,
        instrumentors=each.instrumentors,
        note=f"{', '.join(each.instrumentors)}, as the fidelity table has it",
        base=each,
    )
    for each in OTHERS
)
"""What the locks of other people's instrumentors pin."""

CELLS = (
    LOCKED,
    Cell(
        "mlflow 3.1.4, autogen 0.6.1",
        ("mlflow==3.1.4", *OLD_AUTOGEN, OLD_STORE, *OLD_SPANS),
        AUTOGEN,
        AUTOLOGS,
        note="the content type: what follows a tool's result is a failed span without output",
    ),
    Cell(
        "mlflow 3.2.0, autogen 0.6.1",
        ("mlflow==3.2.0", *OLD_AUTOGEN, OLD_STORE, *OLD_SPANS),
        AUTOGEN,
        AUTOLOGS,
        note="the content type, mended",
    ),
    Cell(
        "mlflow 3.1.4, autogen 0.6.1, newest opentelemetry",
        ("mlflow==3.1.4", *OLD_AUTOGEN, OLD_STORE),
        AUTOGEN,
        AUTOLOGS,
        note="spans are dropped without a word",
    ),
    Cell(
        "mlflow 3.3.2, autogen 0.7.5, newest opentelemetry",
        ("mlflow==3.3.2", OLD_STORE),
        AUTOGEN,
        AUTOLOGS,
        note="spans are dropped without a word",
    ),
    Cell(
        "mlflow 3.3.2, autogen 0.7.5",
        ("mlflow==3.3.2", OLD_STORE, *OLD_SPANS),
        AUTOGEN,
        AUTOLOGS,
        note="an OpenTelemetry that its MLflow knows",
    ),
    Cell("crewai 1.15.29", ("crewai==1.15.29",), CREWAI, note="the first that leaves no trace"),
    Cell(
        "crewai 1.15.28", ("crewai==1.15.28",), CREWAI, AUTOLOGS, note="the last that leaves traces"
    ),
    Cell(
        "crewai 1.15.23",
        ("crewai==1.15.23",),
        CREWAI,
        (*AUTOLOGS, *OWN),
        note="no span of a tool, but in its own tracing",
    ),
    Cell(
        "crewai 1.12.2",
        ("crewai==1.12.2",),
        CREWAI,
        AUTOLOGS,
        note="of parallel tools, the first alone",
    ),
    Cell(
        "crewai 1.9.3",
        ("crewai==1.9.3",),
        CREWAI,
        AUTOLOGS,
        note="spans of tools, none of completions",
    ),
    Cell(
        "crewai 1.0.0",
        ("crewai==1.0.0",),
        CREWAI,
        AUTOLOGS,
        note="the first with model classes of its own",
    ),
    Cell(
        "crewai 0.203.2",
        ("crewai==0.203.2",),
        CREWAI,
        AUTOLOGS,
        note="the last that asks through LiteLLM",
    ),
    Cell(
        "mlflow 3.10.0, crewai 1.15.28",
        ("mlflow==3.10.0", "crewai==1.15.28"),
        CREWAI,
        AUTOLOGS,
        note="the API key stands in the spans",
    ),
    Cell("newest", note="the newest of everything that the index gives today", newest=True),
    Cell(
        "crewai, openai 3",
        ("openai>=3",),
        CREWAI,
        note="CrewAI holds openai below 3",
        conflict=True,
    ),
    *FOREIGN,
)


def cell(name: str) -> Cell:
    """The declared cell of that name. Raises `LookupError`, with the names that there are."""
    for each in CELLS:
        if each.name == name:
            return each
    raise LookupError(f"no cell is called {name!r}; there are: {', '.join(c.name for c in CELLS)}")

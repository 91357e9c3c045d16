"""Known regressions of tracing integrations: the case that shows each, bad and good versions."""

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.cases.scripted_replies import scripted_reply
from integrations.environments.declared_environments import LOCKED, find_declared
from integrations.instrumentors.registry import BOTH_AUTOLOGS, OURS, PLAIN_AUTOLOG
from integrations.regressions.regression import REPORTED_TOKENS, Regression, RegressionSide

SHARED_MODEL = Case(
    "shared_model",
    "crewai",
    "two agents share a model object, and have no tools",
    scripted_replies=(
        scripted_reply("clerk", "The first part is done."),
        scripted_reply("clerk", "So is the second."),
    ),
    turns=("clerk", "clerk"),
    handoffs=(("clerk", "clerk"),),
)
"""A case that is not in the fidelity table. Its answer is the token count that CrewAI reports."""


def _case(name: str) -> Case:
    return next(case for case in all_cases() if case.full_name == name)


KNOWN_REGRESSIONS = (
    Regression(
        "The completion after a tool result has a failed span, without output and tokens",
        "https://github.com/mlflow/mlflow/pull/16762 (mlflow 3.1.0 to 3.1.4)",
        _case("autogen/reflect_on"),
        ("completions", "errors"),
        bad=RegressionSide(find_declared("mlflow 3.1.4, autogen 0.6.1"), PLAIN_AUTOLOG),
        good=RegressionSide(find_declared("mlflow 3.2.0, autogen 0.6.1"), PLAIN_AUTOLOG),
    ),
    Regression(
        "Nothing is recorded, because the module that autolog() patches was removed",
        "mlflow.crewai.autolog, which imports crewai.agents.crew_agent_executor (crewai 1.15.29)",
        _case("crewai/sequential"),
        ("turns",),
        bad=RegressionSide(find_declared("crewai 1.15.29"), PLAIN_AUTOLOG),
        good=RegressionSide(find_declared("crewai 1.15.28"), PLAIN_AUTOLOG),
    ),
    Regression(
        "Completions are not recorded, because CrewAI has its own model classes",
        "mlflow.crewai.autolog, which wraps crewai.LLM (crewai 1.0); as in"
        " https://github.com/Arize-ai/openinference/issues/2844",
        _case("crewai/sequential"),
        ("completions", "tokens", "costs", "prompts"),
        bad=RegressionSide(find_declared("crewai 1.0.0"), PLAIN_AUTOLOG),
        good=RegressionSide(find_declared("crewai 0.203.2"), PLAIN_AUTOLOG),
    ),
    Regression(
        "Tools are not recorded, because models call them natively",
        "mlflow.crewai.autolog, which wraps ToolUsage; as in"
        " https://github.com/Arize-ai/openinference/issues/2664",
        _case("crewai/sequential"),
        ("tools",),
        bad=RegressionSide(find_declared("crewai 1.15.23"), PLAIN_AUTOLOG),
        good=RegressionSide(find_declared("crewai 1.9.3"), PLAIN_AUTOLOG),
    ),
    Regression(
        "The API key is recorded in the spans",
        "https://github.com/mlflow/mlflow/pull/25845, which fixed it (GHSA-j7qq-vr8c-xvw3)",
        SHARED_MODEL,
        ("leaks",),
        bad=RegressionSide(find_declared("mlflow 3.10.0, crewai 1.15.28"), PLAIN_AUTOLOG),
        good=RegressionSide(find_declared("crewai 1.15.28"), PLAIN_AUTOLOG),
    ),
    Regression(
        "Tokens are counted once per agent that shares a model object",
        "https://github.com/crewAIInc/crewAI/issues/7259 (crewai 1.0, `crew.usage_metrics`)",
        SHARED_MODEL,
        (REPORTED_TOKENS,),
        bad=RegressionSide(find_declared("crewai 1.0.0"), PLAIN_AUTOLOG),
        good=RegressionSide(find_declared("crewai 0.203.2"), PLAIN_AUTOLOG),
    ),
    Regression(
        "Spans are dropped silently with a newer OpenTelemetry",
        "MLflow before 3.4, with OpenTelemetry 1.38 and newer",
        _case("autogen/agent_with_tool"),
        ("completions", "turns", "tokens", "prompts"),
        bad=RegressionSide(
            find_declared("mlflow 3.3.2, autogen 0.7.5, newest opentelemetry"), PLAIN_AUTOLOG
        ),
        good=RegressionSide(find_declared("mlflow 3.3.2, autogen 0.7.5"), PLAIN_AUTOLOG),
    ),
    Regression(
        "Of several tools that one reply calls, only the first is recorded",
        "mlflow.crewai.autolog, which wraps ToolUsage",
        _case("crewai/parallel_tools"),
        ("tools",),
        bad=RegressionSide(find_declared("crewai 1.12.2"), PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "After a handled error, nothing more is recorded in a team",
        "mlflow.utils.autologging_utils.safety.safe_patch (`active_session_failed`)",
        _case("autogen/handled_error"),
        ("completions", "turns", "tokens", "prompts"),
        bad=RegressionSide(LOCKED, PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "After a handled error, nothing more is recorded in a crew",
        "mlflow.utils.autologging_utils.safety.safe_patch (`active_session_failed`)",
        _case("crewai/handled_error"),
        ("completions", "turns", "tokens", "prompts"),
        bad=RegressionSide(find_declared("crewai 1.15.28"), BOTH_AUTOLOGS),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "GraphFlow has one trace per completion, without agents",
        "https://github.com/mlflow/mlflow/issues/16970 (mlflow.autogen.autolog wraps `on_messages`;"
        " teams call `on_messages_stream`)",
        _case("autogen/graphflow_run"),
        ("turns", "handoffs", "placed"),
        bad=RegressionSide(LOCKED, PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A team whose clients stream has no completions",
        "mlflow.autogen.autolog, which wraps `create` but not `create_stream`",
        _case("autogen/client_streaming"),
        ("completions", "tokens", "prompts"),
        bad=RegressionSide(LOCKED, PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "The tools of an AutoGen agent are not recorded",
        "mlflow.autogen.autolog",
        _case("autogen/parallel_tools"),
        ("tools",),
        bad=RegressionSide(LOCKED, PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A cancelled run is recorded as a success",
        "mlflow.tracing.provider.with_active_span (`except Exception`)",
        _case("autogen/cancelled"),
        ("completions", "errors"),
        bad=RegressionSide(LOCKED, PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "Each completion is recorded, and priced, twice",
        "mlflow.autogen.autolog and mlflow.openai.autolog, neither of which detects the other",
        _case("autogen/graphflow_run"),
        ("completions", "tokens"),
        bad=RegressionSide(LOCKED, BOTH_AUTOLOGS),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A crew started with `akickoff` has no turns",
        "mlflow.crewai.autolog, which wraps `kickoff` but not `akickoff`",
        _case("crewai/akickoff"),
        ("turns", "placed"),
        bad=RegressionSide(find_declared("crewai 1.15.28"), PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A stream that breaks has no trace",
        "mlflow.openai.autolog, which ended a stream's span only at its last chunk",
        _case("openai/stream_breaks"),
        ("errors", "prompts"),
        bad=RegressionSide(find_declared("mlflow 3.3.2, autogen 0.7.5"), PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, PLAIN_AUTOLOG),
    ),
    Regression(
        "A stream that ends too soon is recorded as a success",
        "mlflow.openai.autolog, which does not check the finish reason",
        _case("openai/stream_ends_early"),
        ("completions", "errors"),
        bad=RegressionSide(LOCKED, PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A cancelled completion has no trace",
        "mlflow.openai.autolog (`except Exception`)",
        _case("openai/cancelled"),
        ("errors", "prompts"),
        bad=RegressionSide(LOCKED, PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "The tool calls of a streamed reply are not stored",
        "https://github.com/mlflow/mlflow/issues/16075 (mlflow.openai.autolog, which joins"
        " the texts of a stream only)",
        _case("openai/streamed_tool_calls"),
        ("replies",),
        bad=RegressionSide(LOCKED, PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A credential in a header is recorded in the span",
        "mlflow.openai.autolog, which dumps `extra_headers` with the arguments",
        _case("openai/own_headers"),
        ("leaks",),
        bad=RegressionSide(LOCKED, PLAIN_AUTOLOG),
        good=RegressionSide(LOCKED, OURS),
    ),
)

"""The regressions: what upstream has broken, has mended, or never had; see CAUGHT.md."""

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.environments.declared_environments import LOCKED, find_declared
from integrations.regressions.regression import REPORTED_TOKENS, Regression, RegressionSide
from integrations.regressions.regression_cases import SHARED_MODEL

PLAIN, BOTH, OURS = "plain autolog", "autolog of both", "ours"


def _case(name: str) -> Case:
    framework, _, own = name.partition("/")
    return next(each for each in all_cases(framework) if each.name == own)


REGRESSIONS = (
    Regression(
        "What follows a tool's result is a failed span, without output and tokens",
        "https://github.com/mlflow/mlflow/pull/16762 (mlflow 3.1.0 to 3.1.4)",
        _case("autogen/reflect_on"),
        ("completions", "errors"),
        bad=RegressionSide(find_declared("mlflow 3.1.4, autogen 0.6.1"), PLAIN),
        good=RegressionSide(find_declared("mlflow 3.2.0, autogen 0.6.1"), PLAIN),
    ),
    Regression(
        "Nothing is recorded, as the module that autolog() patches is gone",
        "mlflow.crewai.autolog, which imports crewai.agents.crew_agent_executor (crewai 1.15.29)",
        _case("crewai/sequential"),
        ("turns",),
        bad=RegressionSide(find_declared("crewai 1.15.29"), PLAIN),
        good=RegressionSide(find_declared("crewai 1.15.28"), PLAIN),
    ),
    Regression(
        "Completions are not recorded, as CrewAI has model classes of its own",
        "mlflow.crewai.autolog, which wraps crewai.LLM (crewai 1.0); as in"
        " https://github.com/Arize-ai/openinference/issues/2844",
        _case("crewai/sequential"),
        ("completions", "tokens", "costs", "prompts"),
        bad=RegressionSide(find_declared("crewai 1.0.0"), PLAIN),
        good=RegressionSide(find_declared("crewai 0.203.2"), PLAIN),
    ),
    Regression(
        "Tools are not recorded, as models call them natively",
        "mlflow.crewai.autolog, which wraps ToolUsage; as in"
        " https://github.com/Arize-ai/openinference/issues/2664",
        _case("crewai/sequential"),
        ("tools",),
        bad=RegressionSide(find_declared("crewai 1.15.23"), PLAIN),
        good=RegressionSide(find_declared("crewai 1.9.3"), PLAIN),
    ),
    Regression(
        "The API key stands in the spans",
        "https://github.com/mlflow/mlflow/pull/25845, which mended it (GHSA-j7qq-vr8c-xvw3)",
        SHARED_MODEL,
        ("leaks",),
        bad=RegressionSide(find_declared("mlflow 3.10.0, crewai 1.15.28"), PLAIN),
        good=RegressionSide(find_declared("crewai 1.15.28"), PLAIN),
    ),
    Regression(
        "Tokens are multiplied by the agents that share a model object",
        "https://github.com/crewAIInc/crewAI/issues/7259 (crewai 1.0, `crew.usage_metrics`)",
        SHARED_MODEL,
        (REPORTED_TOKENS,),
        bad=RegressionSide(find_declared("crewai 1.0.0"), PLAIN),
        good=RegressionSide(find_declared("crewai 0.203.2"), PLAIN),
    ),
    Regression(
        "Spans are dropped without a word, with a newer OpenTelemetry",
        "MLflow before 3.4, with OpenTelemetry 1.38 and newer",
        _case("autogen/agent_with_tool"),
        ("completions", "turns", "tokens", "prompts"),
        bad=RegressionSide(
            find_declared("mlflow 3.3.2, autogen 0.7.5, newest opentelemetry"), PLAIN
        ),
        good=RegressionSide(find_declared("mlflow 3.3.2, autogen 0.7.5"), PLAIN),
    ),
    Regression(
        "Of tools that one reply calls at once, the first alone is recorded",
        "mlflow.crewai.autolog, which wraps ToolUsage",
        _case("crewai/parallel_tools"),
        ("tools",),
        bad=RegressionSide(find_declared("crewai 1.12.2"), PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "Silent blindness: after an error that was handled, nothing more is recorded",
        "mlflow.utils.autologging_utils.safety.safe_patch (`active_session_failed`)",
        _case("autogen/handled_error"),
        ("completions", "turns", "tokens", "prompts"),
        bad=RegressionSide(LOCKED, PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "The same in a crew",
        "mlflow.utils.autologging_utils.safety.safe_patch (`active_session_failed`)",
        _case("crewai/handled_error"),
        ("completions", "turns", "tokens", "prompts"),
        bad=RegressionSide(find_declared("crewai 1.15.28"), BOTH),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "GraphFlow is split into a trace a completion, without agents",
        "https://github.com/mlflow/mlflow/issues/16970 (mlflow.autogen.autolog wraps `on_messages`;"
        " teams call `on_messages_stream`)",
        _case("autogen/graphflow_run"),
        ("turns", "handoffs", "placed"),
        bad=RegressionSide(LOCKED, PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A team whose clients stream leaves no completion",
        "mlflow.autogen.autolog, which wraps `create`, and not `create_stream`",
        _case("autogen/client_streaming"),
        ("completions", "tokens", "prompts"),
        bad=RegressionSide(LOCKED, PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "The tools of an AutoGen agent are not recorded",
        "mlflow.autogen.autolog",
        _case("autogen/parallel_tools"),
        ("tools",),
        bad=RegressionSide(LOCKED, PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "What was cancelled is told to have gone well",
        "mlflow.tracing.provider.with_active_span (`except Exception`)",
        _case("autogen/cancelled"),
        ("completions", "errors"),
        bad=RegressionSide(LOCKED, PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "Each completion is recorded, and paid for, twice",
        "mlflow.autogen.autolog and mlflow.openai.autolog, neither of which looks for the other",
        _case("autogen/graphflow_run"),
        ("completions", "tokens"),
        bad=RegressionSide(LOCKED, BOTH),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A crew that is awaited leaves no turns",
        "mlflow.crewai.autolog, which wraps `kickoff`, and not `akickoff`",
        _case("crewai/akickoff"),
        ("turns", "placed"),
        bad=RegressionSide(find_declared("crewai 1.15.28"), PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A stream that breaks leaves no trace",
        "mlflow.openai.autolog, which ended the span of a stream with its last chunk alone",
        _case("openai/stream_breaks"),
        ("errors", "prompts"),
        bad=RegressionSide(find_declared("mlflow 3.3.2, autogen 0.7.5"), PLAIN),
        good=RegressionSide(LOCKED, PLAIN),
    ),
    Regression(
        "A stream that ends too soon is told to have gone well",
        "mlflow.openai.autolog, which looks for no finish reason",
        _case("openai/stream_ends_early"),
        ("completions", "errors"),
        bad=RegressionSide(LOCKED, PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A completion that is cancelled leaves no trace",
        "mlflow.openai.autolog (`except Exception`)",
        _case("openai/cancelled"),
        ("errors", "prompts"),
        bad=RegressionSide(LOCKED, PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "The tool calls of a streamed reply are not stored",
        "https://github.com/mlflow/mlflow/issues/16075 (mlflow.openai.autolog, which puts a stream"
        " together from its texts alone)",
        _case("openai/streamed_tool_calls"),
        ("replies",),
        bad=RegressionSide(LOCKED, PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
    Regression(
        "A credential in a header stands in the span",
        "mlflow.openai.autolog, which dumps `extra_headers` with the arguments",
        _case("openai/own_headers"),
        ("leaks",),
        bad=RegressionSide(LOCKED, PLAIN),
        good=RegressionSide(LOCKED, OURS),
    ),
)

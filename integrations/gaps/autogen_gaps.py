"""The known gaps of AutoGen's instrumentors."""

from integrations.gaps.gap import ALL_MEASURES, EVERY_CASE, Gap
from integrations.gaps.openai_gaps import STREAMED_CALLS_UPSTREAM
from integrations.instrumentors.names import AUTOLOGS, BOTH_AUTOLOGS, PLAIN_AUTOLOG

AUTOLOG = "mlflow.autogen.autolog (mlflow/autogen/__init__.py)"
TEAM_CASES = (
    "graphflow_run",
    "graphflow_run_stream",
    "client_streaming",
    "selector",
    "swarm",
    "round_robin",
)
CASES_WITH_TOOLS = (
    "agent_with_tool",
    "reflect_on",
    "reflect_off",
    "tool_loop",
    "parallel_tools",
    "client_streaming",
    "swarm",
    "raising_tool",
    "handled_error",
)
CASES_WITH_COMPLETION_AFTER_TOOL = ("reflect_on", "parallel_tools", "swarm", "raising_tool")
"""Cases in which a completion is asked for what a tool returned."""

AUTOGEN_GAPS = (
    Gap(
        "autogen_tools",
        symptom="a tool call leaves no span, and its error is told nowhere",
        upstream=AUTOLOG,
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses={"tools": EVERY_CASE, "placed": CASES_WITH_TOOLS},
        patch="autogen.tool_spans",
    ),
    Gap(
        "autogen_tool_errors",
        symptom="the error of a tool is told nowhere",
        upstream=AUTOLOG,
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses={"errors": ("raising_tool",)},
        patch="autogen.tool_spans",
    ),
    Gap(
        "autogen_teams",
        symptom="a team leaves a trace a completion: no team, no agents, no handoffs",
        upstream="https://github.com/mlflow/mlflow/issues/16970"
        f" ({AUTOLOG} wraps `run` and `on_messages`; teams call `on_messages_stream`)",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses={"turns": TEAM_CASES, "placed": TEAM_CASES, "handoffs": EVERY_CASE},
        patch="autogen.team_spans, autogen.turn_spans",
    ),
    Gap(
        "autogen_nameless_agents",
        symptom="the span of an agent is called on_messages, and does not say of which agent",
        upstream=f"{AUTOLOG} before 3.2 (`start_span(original.__name__)`)",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1,<3.2"},
        misses={"turns": EVERY_CASE, "placed": EVERY_CASE},
    ),
    Gap(
        "autogen_streams",
        symptom="a completion that is streamed from its client leaves no span",
        upstream=f"{AUTOLOG}, which wraps `create`, and not `create_stream`",
        framework="autogen",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": ">=3.1"},
        misses=dict.fromkeys(
            ("completions", "tokens", "costs", "prompts", "replies"), ("client_streaming",)
        ),
        patch="autogen.completion_spans",
    ),
    Gap(
        "autogen_streamed_calls",
        symptom="of a streamed reply its text is told alone, and not the tool calls in it",
        upstream=STREAMED_CALLS_UPSTREAM,
        framework="autogen",
        instrumentors=BOTH_AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses={"replies": ("client_streaming",)},
        patch="autogen.completion_spans",
    ),
    Gap(
        "autogen_tokens",
        symptom="a completion's span says nothing of tokens",
        upstream=AUTOLOG,
        framework="autogen",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": ">=3.1,<3.2"},
        misses={"tokens": EVERY_CASE},
    ),
    Gap(
        "autogen_costs",
        symptom="a completion has no cost, for its span does not say of which model it is",
        upstream=f"{AUTOLOG} (`getattr(self, 'model', None)`), an attribute that no client has",
        framework="autogen",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": ">=3.11"},
        misses={"costs": EVERY_CASE},
        patch="autogen.completion_spans",
    ),
    Gap(
        "autogen_unpriced",
        symptom="no span has a cost",
        upstream="MLflow before 3.11, which computes none",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": "<3.11"},
        misses={"costs": EVERY_CASE},
    ),
    Gap(
        "autogen_late",
        symptom="agents that are defined after autolog() are not recorded",
        upstream=f"{AUTOLOG} (`__subclasses__()`)",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses={"turns": ("defined_late",)},
        patch="autogen.turn_spans",
    ),
    Gap(
        "autogen_cancelled",
        symptom="a completion that was cancelled is told to have gone well",
        upstream="mlflow.tracing.provider.with_active_span (`except Exception`)",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses={"completions": ("cancelled",), "errors": ("cancelled",)},
        patch="mlflow.cancelled_spans",
    ),
    Gap(
        "autogen_blindness",
        symptom="after an error that was handled, nothing more is recorded",
        upstream="mlflow.utils.autologging_utils.safety.safe_patch (`active_session_failed`)",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses=dict.fromkeys(
            ("completions", "turns", "tokens", "placed", "prompts", "replies"), ("handled_error",)
        ),
        patch="mlflow.autolog_after_errors",
    ),
    Gap(
        "autogen_blind_costs",
        symptom="after an error that was handled, nothing more is recorded",
        upstream="mlflow.utils.autologging_utils.safety.safe_patch (`active_session_failed`)",
        framework="autogen",
        instrumentors=BOTH_AUTOLOGS,
        versions={"mlflow": ">=3.11"},
        misses={"costs": ("handled_error",)},
        patch="mlflow.autolog_after_errors",
    ),
    Gap(
        "autogen_doubled",
        symptom="a completion has two spans: one of AutoGen's client, one of openai's in it",
        upstream=f"{AUTOLOG} and mlflow.openai.autolog, neither of which looks for the other",
        framework="autogen",
        instrumentors=BOTH_AUTOLOGS,
        versions={"mlflow": ">=3.2"},
        misses=dict.fromkeys(
            ("completions", "tokens"),
            (
                *("agent_with_tool", "reflect_on", "reflect_off", "tool_loop", "parallel_tools"),
                *("graphflow_run", "graphflow_run_stream", "selector", "swarm", "round_robin"),
                *("raising_tool", "defined_late"),
            ),
        ),
    ),
    Gap(
        "autogen_doubled_without_tokens",
        symptom="a completion has two spans: one of AutoGen's client, one of openai's in it",
        upstream=f"{AUTOLOG} and mlflow.openai.autolog, neither of which looks for the other",
        framework="autogen",
        instrumentors=BOTH_AUTOLOGS,
        versions={"mlflow": ">=3.1,<3.2"},
        misses={
            "completions": (
                *("agent_with_tool", "reflect_off", "graphflow_run", "graphflow_run_stream"),
                *("selector", "swarm", "round_robin", "defined_late"),
            )
        },
    ),
    Gap(
        "autogen_content_type",
        symptom="what follows a tool's result is a failed span, without output and tokens",
        upstream="https://github.com/mlflow/mlflow/pull/16762, which mended it",
        framework="autogen",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": ">=3.1,<3.2"},
        misses={
            "completions": CASES_WITH_COMPLETION_AFTER_TOOL,
            "errors": ("reflect_on", "parallel_tools", "swarm"),
            "replies": CASES_WITH_COMPLETION_AFTER_TOOL,
        },
        patch="autogen.tool_result_content",
    ),
    Gap(
        "autogen_content_type_of_both",
        symptom="what follows a tool's result is a failed span, without output and tokens",
        upstream="https://github.com/mlflow/mlflow/pull/16762, which mended it",
        framework="autogen",
        instrumentors=BOTH_AUTOLOGS,
        versions={"mlflow": ">=3.1,<3.2"},
        misses={
            "tokens": CASES_WITH_COMPLETION_AFTER_TOOL,
            "errors": ("reflect_on", "parallel_tools", "swarm"),
            "replies": CASES_WITH_COMPLETION_AFTER_TOOL,
        },
        patch="autogen.tool_result_content",
    ),
    Gap(
        "autogen_dropped",
        symptom="no span is recorded, and nothing says so",
        upstream="MLflow before 3.4, which a newer OpenTelemetry hands no spans",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1,<3.4", "opentelemetry-sdk": ">=1.38"},
        misses=ALL_MEASURES,
        hides_other_gaps=True,
    ),
)

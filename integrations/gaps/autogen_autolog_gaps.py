"""Known gaps of MLflow's autologging of AutoGen."""

from integrations.gaps.gap import ALL_MEASURES, EVERY_CASE, Gap
from integrations.gaps.openai_autolog_gaps import STREAMED_CALLS_UPSTREAM
from integrations.instrumentors.registry import AUTOLOGS, BOTH_AUTOLOGS, PLAIN_AUTOLOG

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
CASES_WITH_TOOL_RESULTS = ("reflect_on", "parallel_tools", "swarm", "raising_tool")
"""Cases that send a tool's result to the model."""

AUTOGEN_AUTOLOG_GAPS = (
    Gap(
        "autogen_tools",
        symptom="a tool call has no span, and its error is not recorded",
        upstream=AUTOLOG,
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses={"tools": EVERY_CASE, "placed": CASES_WITH_TOOLS},
        patch="autogen.tool_spans",
    ),
    Gap(
        "autogen_tool_errors",
        symptom="the error of a tool is not recorded",
        upstream=AUTOLOG,
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses={"errors": ("raising_tool",)},
        patch="autogen.tool_spans",
    ),
    Gap(
        "autogen_teams",
        symptom="a team has one trace per completion, without team, agents and handoffs",
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
        symptom="an agent's span is called on_messages, and does not name the agent",
        upstream=f"{AUTOLOG} before 3.2 (`start_span(original.__name__)`)",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1,<3.2"},
        misses={"turns": EVERY_CASE, "placed": EVERY_CASE},
    ),
    Gap(
        "autogen_streams",
        symptom="a completion that the client streams has no span",
        upstream=f"{AUTOLOG}, which wraps `create` but not `create_stream`",
        framework="autogen",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": ">=3.1"},
        misses=dict.fromkeys(
            ("completions", "tokens", "costs", "prompts", "replies"), ("client_streaming",)
        ),
        patch="autogen.completion_spans",
    ),
    Gap(
        "autogen_streamed_calls",
        symptom="only the text of a streamed reply is recorded, not its tool calls",
        upstream=STREAMED_CALLS_UPSTREAM,
        framework="autogen",
        instrumentors=(BOTH_AUTOLOGS,),
        versions={"mlflow": ">=3.1"},
        misses={"replies": ("client_streaming",)},
        patch="autogen.completion_spans",
    ),
    Gap(
        "autogen_tokens",
        symptom="a completion's span has no tokens",
        upstream=AUTOLOG,
        framework="autogen",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": ">=3.1,<3.2"},
        misses={"tokens": EVERY_CASE},
    ),
    Gap(
        "autogen_costs",
        symptom="a completion has no cost, because its span does not name the model",
        upstream=f"{AUTOLOG} (`getattr(self, 'model', None)`), an attribute that no client has",
        framework="autogen",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": ">=3.11"},
        misses={"costs": EVERY_CASE},
        patch="autogen.completion_spans",
    ),
    Gap(
        "autogen_unpriced",
        symptom="no span has a cost",
        upstream="MLflow before 3.11, which computes no costs",
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
        symptom="a cancelled completion is recorded as a success",
        upstream="mlflow.tracing.provider.with_active_span (`except Exception`)",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1"},
        misses={"completions": ("cancelled",), "errors": ("cancelled",)},
        patch="mlflow.cancelled_spans",
    ),
    Gap(
        "autogen_blindness",
        symptom="after a handled error, nothing more is recorded",
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
        symptom="after a handled error, nothing more is recorded",
        upstream="mlflow.utils.autologging_utils.safety.safe_patch (`active_session_failed`)",
        framework="autogen",
        instrumentors=(BOTH_AUTOLOGS,),
        versions={"mlflow": ">=3.11"},
        misses={"costs": ("handled_error",)},
        patch="mlflow.autolog_after_errors",
    ),
    Gap(
        "autogen_doubled",
        symptom="a completion has two spans: AutoGen's, and openai's within it",
        upstream=f"{AUTOLOG} and mlflow.openai.autolog, neither of which detects the other",
        framework="autogen",
        instrumentors=(BOTH_AUTOLOGS,),
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
        symptom="a completion has two spans: AutoGen's, and openai's within it",
        upstream=f"{AUTOLOG} and mlflow.openai.autolog, neither of which detects the other",
        framework="autogen",
        instrumentors=(BOTH_AUTOLOGS,),
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
        symptom="the completion after a tool result has a failed span, without output and tokens",
        upstream="https://github.com/mlflow/mlflow/pull/16762, which fixed it",
        framework="autogen",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": ">=3.1,<3.2"},
        misses={
            "completions": CASES_WITH_TOOL_RESULTS,
            "errors": ("reflect_on", "parallel_tools", "swarm"),
            "replies": CASES_WITH_TOOL_RESULTS,
        },
        patch="autogen.tool_result_content",
    ),
    Gap(
        "autogen_content_type_of_both",
        symptom="the completion after a tool result has a failed span, without output and tokens",
        upstream="https://github.com/mlflow/mlflow/pull/16762, which fixed it",
        framework="autogen",
        instrumentors=(BOTH_AUTOLOGS,),
        versions={"mlflow": ">=3.1,<3.2"},
        misses={
            "tokens": CASES_WITH_TOOL_RESULTS,
            "errors": ("reflect_on", "parallel_tools", "swarm"),
            "replies": CASES_WITH_TOOL_RESULTS,
        },
        patch="autogen.tool_result_content",
    ),
    Gap(
        "autogen_dropped",
        symptom="no span is recorded, and no error is reported",
        upstream="MLflow before 3.4, which newer OpenTelemetry passes no spans to",
        framework="autogen",
        instrumentors=AUTOLOGS,
        versions={"mlflow": ">=3.1,<3.4", "opentelemetry-sdk": ">=1.38"},
        misses=ALL_MEASURES,
        hides_other_gaps=True,
    ),
)

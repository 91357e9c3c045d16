"""The alert rules that apply if no file of rules is given."""

from instrumentation.alerts.alert_rule import AlertRule

DEFAULT_ALERT_RULES = (
    AlertRule("failed runs", "failed", aggregate="share", at_most=0.05),
    AlertRule(
        "failed completions",
        "failed",
        unit="completion",
        aggregate="share",
        at_most=0.05,
        optional=True,
    ),
    AlertRule("slow run", "latency_ms", at_most=120_000, optional=True),
    AlertRule(
        "slow runs", "latency_ms", aggregate="p95", at_most=30_000, min_readings=20, optional=True
    ),
    AlertRule("tokens of a run", "tokens", at_most=100_000, optional=True),
    AlertRule("cost of a run", "cost_usd", at_most=1.0, optional=True),
    AlertRule("loop", "repeats", at_most=2, optional=True),
    AlertRule("lost handoff", "handoff_share", at_least=0.5, optional=True),
)
"""The rules if no file is given. A rule is optional here if healthy programs may have nothing to
measure, as a chat has no handoffs. Totals are not included: they depend on the time window."""

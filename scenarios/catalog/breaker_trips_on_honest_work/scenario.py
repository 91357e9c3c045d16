"""Four invoices are to be paid; a circuit breaker takes the fourth reading for a loop.

It counts calls of a tool and does not look at their arguments. So the agent may not read the last
invoice, does not pay what it has not read, and the run ends OK with three payments of four. Look at
the circuit_breaker in the fourth read_invoice: its count and its limit, beside three calls that all
differ. In the twin the breaker is right: the same invoice is read again and again.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="guardrail misfire",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.guarded_agent:PaymentAgent",
    task="Pay the invoices ${first}, ${second}, ${third} and ${fourth} of ${supplier}.",
    inputs={
        "first": one_of("A-17", "A-29"),
        "second": one_of("B-31", "B-44"),
        "third": one_of("C-52", "C-58"),
        "fourth": one_of("D-63", "D-71"),
        "supplier": one_of("Helvetia", "Lumen"),
        "eur_first": number_between(101.0, 199.0, published=118.4, places=2),
        "eur_second": number_between(201.0, 299.0, published=260.15, places=2),
        "eur_third": number_between(301.0, 399.0, published=342.6, places=2),
        "eur_fourth": number_between(401.0, 499.0, published=475.25, places=2),
        "status": one_of("posted"),
    },
    services=("billing",),
    broken=Variant("CountsEveryCall"),
    twin=Variant().about(status=one_of("being posted")),
    expect_broken=(
        expect.reaches_outcome("done"),
        expect.guardrail_blocks("circuit_breaker", tool="read_invoice", reason="no more calls"),
        expect.tool_call_fails("payer", "read_invoice", times=1, message="blocked"),
        expect.calls_tool("payer", "pay_invoice", times=3),
        expect.output_contains("not allowed to read it"),
    ),
    expect_fixed=(
        expect.reaches_outcome("done"),
        expect.guardrail_allows("circuit_breaker"),
        expect.calls_tool("payer", "read_invoice", times=4),
        expect.calls_tool("payer", "pay_invoice", times=4),
        expect.output_lacks("Not paid"),
    ),
    expect_twin=(
        expect.reaches_outcome("done"),
        expect.guardrail_blocks("circuit_breaker", tool="read_invoice", reason="do not repeat"),
        expect.calls_tool("payer", "pay_invoice", times=3),
        expect.output_contains("still being posted"),
    ),
    origin=FailureOrigin("payer", "circuit_breaker", occurrence=3),
)

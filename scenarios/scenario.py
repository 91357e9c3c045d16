"""A scenario: a workflow, its task, tape and faults, and the expectations of each variant.

Inputs fill the `${name}` placeholders in the task and in the replies of services. A model learns of
them from its prompt alone, so its taped lines must capture them there. If a scenario also passes
with random inputs, its failure does not depend on particular numbers.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from scenarios.expectations import Expectation
from scenarios.replay.faults import Fault
from scenarios.tape.placeholders import InputValue

VARIANTS = ("broken", "fixed", "twin")


@dataclass(frozen=True)
class Input:
    """A value that a run is about.

    Attributes:
        published: The real value; the tape names its source.
        draw: Returns a random value.
    """

    published: InputValue
    draw: Callable[[Random], InputValue]


@dataclass(frozen=True)
class Variant:
    """The workflow class that runs, and how its run is expected to end.

        broken=Variant("NeverTimesOut").stopped_after(1.0, lane="generator", calls=1),

    Attributes:
        workflow: The name of a class in `variants.py`, beside the scenario; "" for its own
            workflow. A class itself is accepted, too.
        raises: The error that the run must raise; None if it must not raise.
        message: A part of that error's text.
        stopped_after_s: After how many seconds the run is cancelled, if it never ends by itself.
        after_calls: A lane, and how many calls of it must be served before those seconds begin.
        inputs: Replace the scenario's inputs of the same name.
    """

    workflow: str | type = ""
    raises: type[BaseException] | None = None
    message: str = ""
    stopped_after_s: float | None = None
    after_calls: tuple[str, int] = ("", 0)
    inputs: Mapping[str, Input] = field(default_factory=dict)

    def about(self, **inputs: Input) -> "Variant":
        """The same run with other inputs, as a healthy twin has them."""
        return replace(self, inputs=inputs)

    def raising(self, error: type[BaseException], message: str) -> "Variant":
        """The run must raise this error, with `message` in its text."""
        return replace(self, raises=error, message=message)

    def stopped_after(self, seconds: float, *, lane: str = "", calls: int = 0) -> "Variant":
        """The run never ends: the player cancels it, as a person would.

        With a lane, the seconds begin once the lane has been called that often, so that the trace
        is the same on a busy machine.
        """
        return replace(self, stopped_after_s=seconds, after_calls=(lane, calls))


@dataclass(frozen=True)
class FailureOrigin:
    """The span in which a failure begins. It is never written into a trace.

    Attributes:
        agent: The agent in whose turn the span is.
        span: The name of the span.
        task: The task that contains the span, if the agent has more than one.
        occurrence: Which of the spans of that name: 0 is the first, -1 the last.
    """

    agent: str
    span: str
    task: str = ""
    occurrence: int = -1


@dataclass(frozen=True)
class Scenario:
    """A scenario: pure data, which is read without importing any framework.

    Attributes:
        workflow: The lesson, as `package.module:Class`.
        task: The task, with `${name}` for an input.
        failure_mode: The name of the failure in the taxonomy or report that `source` cites.
        fixed: By default the workflow itself, if there is a broken variant.
        expect_broken: What the trace of `broken` must show; the others alike.
        faults: What the replay server does wrong, in every variant.
        origin: The span to look at in the broken trace.
        unreached_agents: Agents of the workflow that no variant reaches. All others have a lane on
            the tape.
        inputs: Values for the `${name}` in the task and in the services' responses on the tape.
        services: Constructor parameters of the workflow that take the address of a service, which
            the tape answers.
        arguments: Constructor arguments that are not text, such as a clip. Each is a function that
            makes it of the inputs, which it takes by keyword, for every run.
        processes: Services of `workflows/services/`, by name, with their arguments. Each runs in
            its own process; its name is its lane and the constructor parameter for its address.
        streams: Whether the workflow gets an `on_chunk`, so that its agents stream.
        name: The name of the folder; set when the file is loaded, as are the next two.
        title: The first line of the file's docstring.
        story: The rest of it.
    """

    workflow: str
    task: str
    failure_mode: str = "none"
    source: str = "none"
    broken: Variant | None = None
    fixed: Variant | None = None
    twin: Variant | None = None
    expect_broken: tuple[Expectation, ...] = ()
    expect_fixed: tuple[Expectation, ...] = ()
    expect_twin: tuple[Expectation, ...] = ()
    faults: tuple[Fault, ...] = ()
    origin: FailureOrigin | None = None
    unreached_agents: tuple[str, ...] = ()
    inputs: Mapping[str, Input] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    arguments: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    processes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    streams: bool = False
    name: str = field(default="", kw_only=True)
    title: str = field(default="", kw_only=True)
    story: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if self.broken and not self.fixed:
            object.__setattr__(self, "fixed", Variant())

    def variants(self) -> Iterator[tuple[str, Variant, tuple[Expectation, ...]]]:
        """The variants that the scenario has, each with its name and its expectations."""
        for name in VARIANTS:
            if variant := getattr(self, name):
                yield name, variant, getattr(self, f"expect_{name}")

    def variant_inputs(self, variant: Variant) -> dict[str, Input]:
        return {**self.inputs, **variant.inputs}


def one_of(published: InputValue, *others: InputValue) -> Input:
    """The published value, or with a seed any of these values."""
    return Input(published, lambda random: random.choice((published, *others)))


def number_between(low: float, high: float, *, published: float, places: int) -> Input:
    """The published number, or with a seed any from low to high, with so many decimal places."""
    return Input(published, lambda random: round(random.uniform(low, high), places))


def integer_between(low: int, high: int, *, published: int) -> Input:
    """The published integer, or with a seed any from low to high, both included."""
    return Input(published, lambda random: random.randint(low, high))


def resolve_inputs(inputs: Mapping[str, Input], seed: int | None) -> dict[str, InputValue]:
    """The value of each input: the published one, or with a seed a random one.

    A random value depends on the seed and the input's name, not on the other inputs.
    """
    if seed is None:
        return {name: one.published for name, one in inputs.items()}
    return {name: one.draw(Random(f"{seed} {name}")) for name, one in inputs.items()}

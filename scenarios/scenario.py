"""A scenario: a workflow, a task, a tape, faults and expectations, played in variants."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scenarios.expectations import Expectation
from scenarios.inputs import Input
from scenarios.replay.faults import Fault

VARIANTS = ("broken", "fixed", "twin")


@dataclass(frozen=True)
class Variant:
    """The class that runs, and how its run is expected to end.

    `workflow` names a class in `variants.py`, beside the page; "" is the scenario's own workflow. A
    class itself is accepted, too. `inputs` replace the scenario's inputs of the same name.
    """

    workflow: str | type = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    raises: type[BaseException] | None = None
    message: str = ""
    stopped_after_s: float | None = None
    after_calls: tuple[str, int] = ("", 0)
    inputs: Mapping[str, Input] = field(default_factory=dict)

    def about(self, **inputs: Input) -> "Variant":
        """The call is about something else: a healthy twin has values of its own."""
        return replace(self, inputs=inputs)

    def raising(self, error: type[BaseException], message: str) -> "Variant":
        """The call raises this error, in whose text `saying` stands."""
        return replace(self, raises=error, message=message)

    def stopped_after(self, seconds: float, *, lane: str = "", calls: int = 0) -> "Variant":
        """Nothing ends the call: the player waits so long and cancels it, as a person would.

        With a lane it waits until that has been asked so often, and so long after: what is counted
        is then the same on a busy machine.
        """
        return replace(self, stopped_after_s=seconds, after_calls=(lane, calls))


def variant_with(**settings: Any) -> Variant:
    """The workflow function with these settings; for workflows that are not classes yet."""
    return Variant(settings=settings)


@dataclass(frozen=True)
class Origin:
    """Where it went wrong: the agent, and the name of the span; the task, where the agent has more
    than one. Never written into a trace."""

    agent: str
    span: str
    task: str = ""


@dataclass(frozen=True)
class Scenario:
    """The page of a scenario. `workflow` is an object reference, `package.module:function`, so that
    a page can be read, and a recorded trace be judged, with no framework imported.

    `mode` is the failure mode, in the words of the taxonomy or report that `source` cites. `agents`
    are those that the workflow has and no variant reaches: the others have a lane on the tape.
    `inputs` fill the `${name}` in the task and in what the tape's services say; `services` are the
    settings of the workflow that take the address of an outside service. `props` are settings that
    are no text, as a clip is none: each is made anew for a run, of the inputs, given by keyword.
    `processes` are services too, but real ones, of workflows/services/, by name and with arguments:
    each runs in a process of its own while the scenario is played, and its name is a lane.
    `streams` passes the workflow an `on_chunk`, so that its agents stream.
    """

    failure_mode: str
    source: str
    workflow: str
    task: str
    broken: Variant | None = None
    fixed: Variant | None = None
    twin: Variant | None = None
    expect_broken: tuple[Expectation, ...] = ()
    expect_fixed: tuple[Expectation, ...] = ()
    expect_twin: tuple[Expectation, ...] = ()
    faults: tuple[Fault, ...] = ()
    origin: Origin | None = None
    unreached_agents: tuple[str, ...] = ()
    inputs: Mapping[str, Input] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    props: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    processes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    streams: bool = False
    name: str = field(default="", kw_only=True)
    title: str = field(default="", kw_only=True)
    story: str = field(default="", kw_only=True)

    def variants(self) -> Iterator[tuple[str, Variant, tuple[Expectation, ...]]]:
        """Each variant that the page gives, with its name and its expectations."""
        for name in VARIANTS:
            if variant := getattr(self, name):
                yield name, variant, getattr(self, f"expect_{name}")

    def variant_inputs(self, variant: Variant) -> dict[str, Input]:
        """What the task and the services are filled with in this variant."""
        return {**self.inputs, **variant.inputs}

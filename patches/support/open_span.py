"""An MLflow span that stays open over many steps, and is the current span only during them.

A span that stays current across the `yield` of an async generator leaks into the generator's
consumer. An `OpenSpan` is current during each step only; or, if a framework only reports the start
and the end of work, from the one to the other.

Each span ends once. Children that are still open then, such as a task that a tool started, are
passed to the parent; the outermost span ends them, or waits for those that outlast it.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from time import monotonic, time_ns
from typing import Any, Self

from patches.support import span_registry
from patches.support.call_wrapping import set_for_block
from patches.support.completion_attributes import CLOSED_EARLY_ATTRIBUTE
from patches.support.error_boundaries import OnError, call_with_fallback
from patches.support.span_errors import AbandonedSpanError, find_interruption, record_error

_INNERMOST: ContextVar["OpenSpan | None"] = ContextVar("innermost open span", default=None)


class OpenSpan:
    """The span of an agent, team, client or other object at work.

    Attributes:
        records_completion: Whether it records a completion, whose request needs no further span.
        owner: The object whose work the span shows.
        outputs: Written to the span when it ends.
        end_time_ns: When the work ended, if that was before the span is ended.
        is_complete: Whether the result has been recorded; a consumer may stop after that.
        outlasts_parent: Whether it may end after the spans around it: it works in the background.
        awaits_children: Whether it has ended, apart from children that outlast it.
        is_reply_cut: Whether the connection closed before the reply to its request was complete.
    """

    records_completion = outlasts_parent = awaits_children = False
    is_ended = is_complete = is_reply_cut = False

    def __init__(
        self,
        owner: object,
        name: str,
        span_type: str,
        inputs: Any,
        attributes: Mapping[str, Any],
        start_time_ns: int | None = None,
    ) -> None:
        """Attributes without a value (None) are left out."""
        import mlflow

        self.owner: Any = owner
        self.name = name
        self.outputs: Any = None
        self.end_time_ns: int | None = None
        self.parent = _INNERMOST.get()
        self._children: dict[OpenSpan, None] = {}
        self._activation_tokens: Any = None
        self._handled_before = find_interruption()
        self._started_s = monotonic()
        self.span = mlflow.start_span_no_context(
            name, span_type=span_type, start_time_ns=start_time_ns
        )
        with OnError(self._end_interrupted):
            # A value that cannot be written is left out.
            call_with_fallback(partial(self._record_request, inputs, attributes), lambda _: None)
        # Last, because Ctrl-C may come at any point before, and open spans are then ended.
        self._key = span_registry.add(self)
        if self.parent is not None:
            self.parent.add_child(self)

    def _record_request(self, inputs: Any, attributes: Mapping[str, Any]) -> None:
        if inputs is not None:
            self.span.set_inputs(inputs)
        known = {key: value for key, value in attributes.items() if value is not None}
        self.span.set_attributes(known)

    def _end_interrupted(self, error: BaseException) -> None:
        """End a span that Ctrl-C leaves half made: while it is open, its trace is incomplete."""
        record_error(self.span, error)
        self.span.end()

    @staticmethod
    def innermost() -> "OpenSpan | None":
        """Return the current open span, of any class."""
        return _INNERMOST.get()

    @classmethod
    def nearest(cls) -> Self | None:
        """Return the innermost open span of this class."""
        span = _INNERMOST.get()
        while span is not None and not isinstance(span, cls):
            span = span.parent
        return span

    @classmethod
    def is_open_for(cls, owner: object) -> bool:
        """Return whether the nearest span of this class is `owner`'s, and no tool is between.

        If so, a call of the owner's method is a call of `super()` or of itself. A tool that calls
        the owner starts something new.
        """
        span = _INNERMOST.get()
        while span is not None and not isinstance(span, cls):
            if span.span.span_type == "TOOL":
                return False
            span = span.parent
        return span is not None and span.owner is owner

    @staticmethod
    def end_open_spans(until: "OpenSpan | None", error: BaseException | None) -> None:
        """End and deactivate the spans activated in this context after `until`, innermost first.

        They end with `error`, the error of the work around them, or else as abandoned.
        """
        span = _INNERMOST.get()
        while span is not None and span is not until and span._activation_tokens is not None:
            span.end(error or AbandonedSpanError("the span around it ended first"))
            span.deactivate()
            previous, span = span, _INNERMOST.get()
            if span is previous:  # activated in another context, of which this one is a copy
                return

    @property
    def depth(self) -> int:
        """The number of open spans around this one."""
        return 0 if self.parent is None else 1 + self.parent.depth

    def end_unfinished(self) -> None:
        """End the span before its work ends."""
        self.end(AbandonedSpanError("tracing was shut down before the end"))

    @contextmanager
    def active(self) -> Generator[None]:
        """Make this the current span for the block."""
        from mlflow.tracing.provider import safe_set_span_in_context

        with set_for_block(_INNERMOST, self), safe_set_span_in_context(self.span):
            yield

    def activate(self) -> None:
        """Make this the current span of this context, and of copies made of it from now on."""
        from mlflow.tracing.provider import set_span_in_context

        self._activation_tokens = (_INNERMOST.set(self), set_span_in_context(self.span))

    def deactivate(self) -> None:
        """Restore the span that was current when this one was activated."""
        from mlflow.tracing.provider import detach_span_from_context

        with suppress(ValueError, TypeError):  # activated in another context, or not at all
            innermost, current = self._activation_tokens
            _INNERMOST.reset(innermost)
            detach_span_from_context(current)

    def add_child(self, child: "OpenSpan") -> None:
        """Keep a span that was opened inside this one until it ends."""
        self._children[child] = None

    def record_item(self, item: Any) -> None:
        """Record what the work yields or returns; subclasses keep what matters to them."""

    def record_first_chunk(self, arrived_s: float | None = None) -> None:
        """Record how long a stream's first chunk took; it came now, or at a monotonic time."""
        waited_s = (monotonic() if arrived_s is None else arrived_s) - self._started_s
        self.span.set_attribute("gen_ai.response.time_to_first_chunk", round(waited_s, 6))

    def pass_over_early_close(self, error: BaseException | None) -> BaseException | None:
        """Return the error, unless it only says that the program closed a stream on purpose.

        That is an attribute of the span. If an error makes the program close the stream, it stays.
        """
        if not isinstance(error, GeneratorExit):
            return error
        if find_interruption() not in (None, self._handled_before):
            return error
        self.span.set_attribute(CLOSED_EARLY_ATTRIBUTE, True)
        return None

    def end(self, error: BaseException | None = None) -> None:
        """End the span, with the error that ended the work. A second call does nothing."""
        if self.is_ended:
            return
        self.is_ended = True
        self._handled_before = None
        if self.parent is not None and not self.parent.is_ended:
            self.parent._children.pop(self, None)
            for child in self._children:
                child.parent = self.parent
            self.parent._children |= self._children
            self._children = {}
        else:
            interruption = None if isinstance(error, Exception) else error
            for child in list(self._children):
                if interruption or not child.outlasts_parent:
                    child.end(interruption or AbandonedSpanError("the span around it ended first"))
        if error is not None:
            record_error(self.span, error)
        self.end_time_ns = self.end_time_ns or time_ns()
        self.awaits_children = True
        self._close()

    def _close(self) -> None:
        """End MLflow's span, unless a child is still at work: it closes this span when it ends."""
        if any(span_registry.is_open(child._key) for child in list(self._children)):
            return
        if span_registry.remove(self._key):
            self.span.end(outputs=self.outputs, end_time_ns=self.end_time_ns)
        if self.parent is not None and self.parent.awaits_children:
            self.parent._close()

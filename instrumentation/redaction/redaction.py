r"""Redaction: secrets and personal data taken out of what is traced, before it leaves.

    from instrumentation.redaction import DEFAULT, Pattern

    with traced("sqlite:///mlflow.db"):                          # DEFAULT is on
        ...
    staff = Pattern("staff number", re.compile(r"\bE-\d{6}\b"))
    with traced("sqlite:///mlflow.db", redaction=DEFAULT.plus(staff)):
        ...

What goes: API keys by how their makers spell them, tokens (JWT, `Bearer …`), private keys,
passwords (`Basic …`, those in addresses), e-mail addresses, numbers of cards and of bank accounts
where their check digits are right, and whatever a field holds whose name says that it is secret
(`api_key`, `password`, `authorization`, `client_secret` …). A mark stands in its place:
`[redacted: e-mail]`.
Figures, years, times and ids stay.

**Alone**, in a program that has its own way to turn MLflow on, before the first span is opened:

    from patches.opentelemetry.span_pipeline import outlet
    from patches.patch import applied

    with applied(outlet(changes=(DEFAULT.of_span,)), *DEFAULT.patches()):
        ...

`DEFAULT.text` and `DEFAULT.value` do the same for a text and for plain data, with no MLflow at all.
Take the folders `instrumentation/redaction` and `patches` along; what MLflow has itself
(`mlflow.tracing.configure(span_processors=…)`) sees no event, no error, no tag and no bridged span.

What is read: each text of a span (name, inputs, outputs, attributes, events with the messages and
stack traces of exceptions, status, links), of its trace (tags, metadata with user and session,
previews), of assessments and attachments; structures to their depth, with keys and with JSON within
texts; escapes of ASCII (`\u0040`, `%40`, `&#64;`); what the events of a stream spell together, and
the list of its chunks where that is the output.

What is **not** covered: what is base64, encrypted or compressed (but for `Basic …`); a secret that
nothing tells from a word, where no field names it; one whose parts are in several spans, in several
items of a list that is no stream's, or in an image; an application's own logs. Two users who are
told apart by their e-mail addresses become one: give MLflow an id. Redaction is for accidents; an
attacker who chooses what is traced can always spell a secret in a way that no pattern knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.redaction import chunks as pieces
from instrumentation.redaction import nested_values as values
from instrumentation.redaction import span_contents
from instrumentation.redaction.anchor_search import AnchorSearch
from instrumentation.redaction.credential_patterns import CREDENTIAL_PATTERNS
from instrumentation.redaction.escapes import unescape
from instrumentation.redaction.pattern import RedactionPattern
from instrumentation.redaction.personal_data_patterns import PERSONAL_DATA_PATTERNS
from instrumentation.redaction.searchable_text import Match, SearchableText
from instrumentation.redaction.secret_fields import SecretFields
from instrumentation.redaction.storable_text import is_unstorable
from patches.mlflow.metadata_redaction import metadata_redaction_patch, redact_pending_trace
from patches.patch import Patch

__all__ = ["DEFAULT_REDACTION", "NO_REDACTION", "Redaction", "RedactionPattern", "SecretFields"]


@dataclass(frozen=True)
class Redaction:
    """What must go: whatever a pattern matches, and whatever a field of such a name holds."""

    patterns: tuple[RedactionPattern, ...] = (*CREDENTIAL_PATTERNS, *PERSONAL_DATA_PATTERNS)
    fields: SecretFields = field(default_factory=SecretFields)

    def with_patterns(self, *patterns: RedactionPattern) -> "Redaction":
        """The same, and these patterns besides."""
        return replace(self, patterns=(*self.patterns, *patterns))

    def redact_text(self, text: str) -> str:
        """The text with a mark in the place of each secret; the very same where there is none.

        JSON stays JSON. To redact twice changes nothing more.
        """
        reading = SearchableText(text)
        spots = self.find_matches(reading)
        if not spots:
            return text
        walked = values.redact_json_text(text, self)
        if walked is not None and walked is not text:
            text, spots = walked, self.find_matches(SearchableText(walked))
        (changed,) = pieces.remove_matches([text], spots)
        return changed

    def redact_value(self, value: Any) -> Any:
        """Plain data of any depth, with its texts so, and as every store can hold them (half of a
        character becomes U+FFFD); the very same where nothing changes."""
        try:
            return values.redact_nested(value, self)
        except RecursionError:
            return values.TOO_DEEP

    def redact_chunks(self, values: Sequence[Any]) -> list[Any]:
        """Texts or plain data that came one after the other, without what they spell together."""
        if not (self.patterns or self.fields.search_words):
            return list(values)
        return pieces.redact_chunks(values, lambda text: self.find_matches(SearchableText(text)))

    def redact_span(self, span: ReadableSpan) -> None:
        """Rewrite a finished span, and with a root what is told of its trace: a change for
        `patches.opentelemetry.span_pipeline`."""
        span_contents.redact_contents(span, self)
        if span.parent is None:
            redact_pending_trace(span.context.trace_id, self)

    def patches(self) -> tuple[Patch, ...]:
        """What redacts that which MLflow writes beside the spans."""
        return (metadata_redaction_patch(self),)

    def may_contain_secret(self, searchable: SearchableText) -> bool:
        """Whether there may be something to rewrite: quick, and never wrong where it says no."""
        return is_unstorable(searchable.text) or bool(self.find_matches(searchable))

    def find_matches(self, searchable: SearchableText) -> list[Match]:
        """Where secrets stand: in order, and none within another.

        One without a length says that there is a structure to be walked.
        """
        found = self._find_unescaped(searchable)
        if plain := unescape(searchable):
            for start, end, name in self._find_unescaped(plain.searchable):
                found.append(Match(*plain.source_range(start, end), name))
        return _merge_overlaps(found) if found else found

    def is_secret_field(self, name: str, value: str | None) -> bool:
        """Whether what has this name is a secret."""
        return self.fields.is_secret(name, value)

    @property
    def field_placeholder(self) -> str:
        """The mark of what a field hid."""
        return pieces.placeholder(self.fields.name)

    def _find_unescaped(self, searchable: SearchableText) -> list[Match]:
        within = self._anchors.find_in(searchable.lower)
        found: list[Match] = []
        for pattern in self.patterns:
            if not (pattern.anchors and within.isdisjoint(pattern.anchors)):
                found += pattern.find_matches(searchable)
        return found + list(self.fields.find_matches(searchable, pieces.PLACEHOLDER_PREFIX))

    @cached_property
    def _anchors(self) -> AnchorSearch:
        """Those of all patterns."""
        return AnchorSearch(anchor for pattern in self.patterns for anchor in pattern.anchors)


def _merge_overlaps(matches: list[Match]) -> list[Match]:
    merged: list[Match] = []
    for spot in sorted(matches, key=lambda spot: (spot.start, -spot.end)):
        if merged and spot.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(spot.end, merged[-1].end))
        else:
            merged.append(spot)
    return merged


DEFAULT_REDACTION = Redaction()
NO_REDACTION = Redaction(
    patterns=(), fields=SecretFields(certain_suffixes=(), likely_suffixes=(), search_words=())
)
"""Hides nothing: what no store can hold is mended all the same."""

r"""Redaction of secrets and personal data in everything that is traced, before it leaves.

    from instrumentation import DEFAULT_REDACTION, RedactionPattern, enable_tracing

    with enable_tracing():                                       # DEFAULT_REDACTION is on
        ...
    staff = RedactionPattern("staff number", re.compile(r"\bE-\d{6}\b"))
    with enable_tracing(redaction=DEFAULT_REDACTION.with_patterns(staff)):
        ...

`docs/how-to/run-in-production.md` lists what is redacted, where it is searched for, and what is not
covered.

**Without `enable_tracing`,** in a program that turns on MLflow itself, before the first span:

    from patches.opentelemetry.span_pipeline import span_pipeline_patch
    from patches.patch import apply_patches

    redaction = DEFAULT_REDACTION
    with apply_patches(span_pipeline_patch((redaction.redact_span,)), *redaction.patches()):
        ...

`redact_text` and `redact_value` do the same for a text and for plain data, without MLflow. Copy the
folders `instrumentation/redaction` and `patches`. MLflow's own hook
(`mlflow.tracing.configure(span_processors=…)`) sees no events, errors, tags and bridged spans.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from instrumentation.redaction import chunks, nested_values
from instrumentation.redaction.credential_patterns import CREDENTIAL_PATTERNS
from instrumentation.redaction.nested_values import is_unstorable
from instrumentation.redaction.pattern import RedactionPattern
from instrumentation.redaction.personal_data_patterns import (
    CONTACT_PATTERNS,
    PERSONAL_DATA_PATTERNS,
)
from instrumentation.redaction.searchable_text import Match, SearchableText, WordSearch, unescape
from instrumentation.redaction.secret_fields import SecretFields
from instrumentation.redaction.span_contents import redact_contents
from patches.mlflow.metadata_redaction import metadata_redaction_patch, redact_pending_trace
from patches.patch import Patch


@dataclass(frozen=True)
class Redaction:
    """What to redact: the matches of patterns, and the values of fields with certain names."""

    patterns: tuple[RedactionPattern, ...] = (*CREDENTIAL_PATTERNS, *PERSONAL_DATA_PATTERNS)
    fields: SecretFields = field(default_factory=SecretFields)

    def with_patterns(self, *patterns: RedactionPattern) -> "Redaction":
        """A copy with additional patterns."""
        return replace(self, patterns=(*self.patterns, *patterns))

    def redact_text(self, text: str) -> str:
        """Replace each secret by a placeholder. Returns the same object if nothing was redacted.

        JSON stays valid JSON. To redact twice changes nothing more.
        """
        searchable = SearchableText(text)
        matches = self.find_matches(searchable)
        if not matches:
            return text
        redacted = nested_values.redact_json_text(text, self)
        if redacted is not None and redacted is not text:
            text, matches = redacted, self.find_matches(SearchableText(redacted))
        (result,) = chunks.remove_matches([text], matches)
        return result

    def redact_value(self, value: Any) -> Any:
        """Redact all texts in plain data of any depth.

        Returns the same object if nothing was redacted.

        Text that no store accepts is replaced, too: an unpaired surrogate becomes U+FFFD.
        """
        try:
            return value if self._is_clean(value) else nested_values.redact_nested(value, self)
        except RecursionError:
            return nested_values.TOO_DEEP

    def redact_chunks(self, values: Sequence[Any]) -> list[Any]:
        """Redact texts or plain data that form one text together, such as chunks of a stream."""
        if not (self.patterns or self.fields.search_words):
            return list(values)
        return chunks.redact_chunks(values, lambda text: self.find_matches(SearchableText(text)))

    def redact_span(self, span: ReadableSpan) -> None:
        """Redact a finished span in place and, for a root, the metadata of its trace.

        It is a transform for `span_pipeline_patch`.
        """
        redact_contents(span, self)
        if span.parent is None:
            redact_pending_trace(span.context.trace_id, self)

    def patches(self) -> tuple[Patch, ...]:
        """The patches that redact what MLflow writes outside of spans."""
        return (metadata_redaction_patch(self),)

    def _is_clean(self, value: Any) -> bool:
        """Return quickly, by one search of its JSON, that a structure needs no redaction."""
        if not isinstance(value, dict | list):
            return False
        try:
            text = json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError):
            return False
        return "\\u0000" not in text and not self.may_contain_secret(SearchableText(text))

    def may_contain_secret(self, searchable: SearchableText) -> bool:
        """Return quickly whether a text may need redaction. Only False is certain."""
        return is_unstorable(searchable.text) or bool(self.find_matches(searchable))

    def find_matches(self, searchable: SearchableText) -> list[Match]:
        """Find the secrets in a text, in order and without overlaps.

        A match of length 0 means that the text contains a structure that must be traversed.
        """
        matches = self._find_verbatim(searchable)
        if unescaped := unescape(searchable):
            for start, end, name in self._find_verbatim(unescaped.searchable):
                matches.append(Match(*unescaped.source_range(start, end), name))
        return _merge_overlaps(matches)

    def is_secret_field(self, name: str, value: str | None) -> bool:
        """Return whether a field of this name holds a secret."""
        return self.fields.is_secret(name, value)

    @property
    def field_placeholder(self) -> str:
        """The placeholder for the values of secret fields."""
        return chunks.placeholder(self.fields.name)

    def _find_verbatim(self, searchable: SearchableText) -> list[Match]:
        matches: list[Match] = []
        for pattern in self._patterns_without_anchor:
            matches += pattern.find_matches(searchable)
        for anchor in self._anchors.find_in(searchable.lower):
            for pattern in self._patterns_by_anchor[anchor]:
                matches += pattern.find_at_anchor(anchor, searchable)
        return matches + list(self.fields.find_matches(searchable))

    @cached_property
    def _anchors(self) -> WordSearch:
        return WordSearch(self._patterns_by_anchor)

    @cached_property
    def _patterns_by_anchor(self) -> dict[bytes, list[RedactionPattern]]:
        patterns: dict[bytes, list[RedactionPattern]] = defaultdict(list)
        for pattern in self.patterns:
            for anchor in pattern.anchors:
                patterns[anchor].append(pattern)
        return patterns

    @cached_property
    def _patterns_without_anchor(self) -> tuple[RedactionPattern, ...]:
        return tuple(pattern for pattern in self.patterns if not pattern.anchors)


def _merge_overlaps(matches: list[Match]) -> list[Match]:
    merged: list[Match] = []
    for match in sorted(matches, key=lambda match: (match.start, -match.end, match.name)):
        if merged and match.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(match.end, merged[-1].end))
        else:
            merged.append(match)
    return merged


DEFAULT_REDACTION = Redaction()
STRICT_REDACTION = DEFAULT_REDACTION.with_patterns(*CONTACT_PATTERNS)
"""Also redacts phone numbers, and names by which people introduce themselves; slower."""
NO_REDACTION = Redaction(
    patterns=(), fields=SecretFields(certain_suffixes=(), likely_suffixes=(), search_words=())
)
"""Redacts nothing, but still replaces text that no store accepts."""

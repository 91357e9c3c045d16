"""Regular expressions of English words for verdicts, negation, doubt, requirements and waiting.

The lists are of the language, not of any workflow. Detectors use them only together with evidence
from the structure of the trace.
"""

import re


def _any_word(alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{alternatives})\b", re.I)


NEGATIONS = r"not|no|never|cannot|can't|won't|don't|doesn't|didn't|isn't|aren't|without|neither|nor"
NEGATION = re.compile(rf"\b(?:{NEGATIONS})\b|n['’]t\b", re.I)
APPROVAL = _any_word(
    r"approv(?:e|es|ed|al|ing)|accept(?:s|ed|ance|able)?|pass(?:es|ed)?|lgtm|ok(?:ay)?"
    r"|confirm(?:s|ed)?|valid|correct|succe(?:ss|eded)|complete[d]?|done"
)
"""Words of a positive verdict."""
OBJECTION = _any_word(
    r"revis(?:e|es|ed|ion)|reject(?:s|ed|ion)?|declin(?:e|es|ed)|den(?:y|ies|ied)|fail(?:s|ed|ure)?"
    r"|redo|rework|rewrite|refus(?:e|es|ed|al)|invalid|incorrect|wrong|block(?:s|ed)?"
    r"|chang(?:e|es) requested|needs? (?:work|changes|revision)|object(?:s|ed|ion)?"
)
"""Words of a negative verdict."""
VERDICT_TOKEN = re.compile(
    r"\b(?P<word>APPROVED?|ACCEPT(?:ED)?|PASS(?:ED)?|LGTM|REVISE|REJECT(?:ED)?|DECLINED?|FAIL(?:ED)?"
    r"|REDO|REWORK|REWRITE|BLOCK(?:ED)?)\b"
)
"""Words of a verdict in capitals, as prompts ask for them."""
MISSING = re.compile(
    rf"\b(?:{NEGATIONS}|nothing|none|unknown|unavailable|missing|absent|n/a)\b|n['’]t\b", re.I
)
"""Words by which a text says that something is not there."""
REASSURANCE = re.compile(
    r"\b(?:no|not any|nothing|none|without)\s+(?:\w+\s+){0,2}?(?:unusual|wrong|abnormal|suspicious"
    r"|errors?|anomal(?:y|ies|ous)|problems?|issues?|warnings?|irregular\w*|concerns?|faults?|alarming)\b",
    re.I,
)
"""Negations by which a text says that all is well, not that something is missing."""
REQUIREMENT = _any_word(
    r"must|shall|(?:have|has) to|needs?|requir\w+|at (?:most|least)"
    r"|no (?:more|less|later) than|only|never|do not|don['’]t|avoid|without"
)
"""Words of a requirement on later work."""
PROHIBITION = _any_word(
    r"never|(?:must|may|shall|should|do) not|don['’]t|not allowed|forbidden|prohibited"
    r"|no \w+ without|only (?:with|after|if)"
)
"""Words of a rule that forbids."""
CONSEQUENCES = re.compile(
    r"(?:^|_)(?:delete|drop|remove|purge|truncate|cancel|refund|pay|transfer|terminate|revoke|overwrite)"
    r"(?=_|$)"
)
"""Verbs in the names of tools whose calls cannot be taken back."""
EXAMINED = (
    r"(?:verified|checked|validated|confirmed|tested|audited|reviewed|screened|examined|inspected)"
)
SPOKEN_CHECK = re.compile(
    rf"\b(?:I|we)(?:['’]ve| have)? (?:also |now |fully |carefully |independently )?{EXAMINED}\b",
    re.I,
)
"""Words by which a speaker claims to have checked something."""
CLAIM_OF_ALL = re.compile(
    rf"\b(?:all|each|every)\b[^.;\n]{{0,40}}\b{EXAMINED}\b|\b{EXAMINED}\b[^.;\n]{{0,20}}\b(?:all|each|every)\b",
    re.I,
)
"""Words by which a speaker claims to have checked everything."""
INABILITY = _any_word(
    r"cannot|can ?not|can['’]t|could(?:n['’]t| not)|unable|not able|lacks?"
    r"|no (?:tools?|access|way|means|permission)|do(?:es)?(?:n['’]t| not) have"
)
"""Words by which an agent says that it is not able to do its task."""
DOUBT = _any_word(
    r"estimat\w+|guess\w*|assum\w+|perhaps|maybe|might|could|possibly|presumably|about|roughly"
    r"|approximately|apparently|reportedly|unverified|unconfirmed|uncertain|unclear|rumou?r\w*"
    r"|expect\w*|believ\w+|forecast\w*|project(?:ed|ion)s?"
)
"""Words by which a text marks a statement as unsure."""
CAVEAT = _any_word(
    r"provisional(?:ly)?|preliminary|(?:early|first|flash|rough) estimate|estimated by|imputed"
    r"|unreliable|low reliability|break in (?:the )?(?:time )?series|not (?:directly )?comparable"
    r"|subject to (?:change|revision)|to be revised|may (?:be revised|change|differ)|not final"
    r"|unaudited|unconfirmed"
)
"""Words by which a source limits how far its figures can be relied on."""
ASSUMED = re.compile(
    r"\b(?:assum\w+|hypothetical\w*|placeholder\w*|simulat\w+|mock(?:ed|ing)?|dummy"
    r"|(?:sample|example|synthetic|fictional) data|for (?:the sake|demonstration|illustrat\w+)"
    r"|let['’]s say|suppose|pretend|made[- ]up|replace \w+ with (?:your|the actual))\b"
    r"|\byour[_ -]api[_ -]key",
    re.I,
)
"""Words by which a text marks data as assumed or made up."""
CONCLUSION = _any_word(
    r"therefore|thus|hence|so the|in (?:conclusion|summary)|final answer"
    r"|the (?:final )?(?:answer|result|output|total|count) is"
)
"""Words by which a text draws a conclusion."""
PROBLEM = _any_word(
    r"unfortunately|apolog\w+|sorry|however|it (?:seems|appears)|the (?:error|issue|problem)"
    r"|did not|does not|fail(?:ed|ure)|unable|couldn['’]t|could not|cannot"
)
"""Words by which a text says that something before it went wrong."""
PENDING = _any_word(
    r"running|pending|queued|in[ _-]?progress|processing|started|waiting|submitted|incomplete"
    r"|unfinished|scheduled"
)
"""States of work that has not ended."""
VERIFIED = re.compile(rf"(?:claims_?)?(?:is_?)?{EXAMINED}", re.I)
"""Names of fields by which an answer claims that it was checked."""

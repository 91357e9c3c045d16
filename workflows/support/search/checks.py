"""Checks of the search agent: unsupported figures, false citations, calls about another country.

Figures are compared by `instrumentation.figures`, which knows units, rounding and differences.
Countries are recognized by their codes: three capital letters, such as FRA. GDP and USD look the
same but are not in the list. Source: ISO 3166-1 alpha-3,
https://www.iso.org/iso-3166-country-codes.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instrumentation import check_figures
from workflows.support.search.tools import SearchResult

CITATION = re.compile(r"\[(\d+(?:, *[1-9]\d?)*)\]")
"""[1], and [1, 2] as well; [1,000] is a number."""
SENTENCE = re.compile(r"(?:\d+[.)] )?\S.*?(?:[.!?](?:\s*\[[\d, ]+\])*(?=\s|$)|$)", re.MULTILINE)
"""A sentence ends with its full stop, with the citations after it, or with its line. The number of
a list item is not a sentence."""
THREE_CAPITALS = re.compile(r"\b[A-Z]{3}\b")
COUNTRY_CODES = frozenset(
    THREE_CAPITALS.findall(
        """
    ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR
    BHR BHS BIH BLM BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG
    COK COL COM CPV CRI CUB CUW CXR CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH
    FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY
    HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA JAM JEY JOR JPN KAZ KEN KGZ KHM
    KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA MDG MDV MEX MHL
    MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR
    NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU
    SDN SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA
    TCD TGO THA TJK TKL TKM TLS TON TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB
    VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE
    """
    )
)


def object_to_unsupported_figures(answer: str, texts: Sequence[str]) -> str | None:
    """Object to figures that appear in none of the texts: the task, the results, the errors."""
    unsupported = [str(figure) for figure in check_figures(answer, texts).unsupported]
    if not unsupported:
        return None
    return f"Search first: neither the task nor a result supports {'; '.join(unsupported)}."


def object_to_misquotes(
    answer: str, results: Sequence[SearchResult], known: Sequence[str]
) -> str | None:
    """Object to citations of missing results, and to figures that the cited results lack.

    The texts in `known`, such as the task, may always be repeated.
    """
    missing = sorted(cited_numbers(answer) - {result.number for result in results})
    faults = [f"there is no result [{number}]" for number in missing]
    for sentence in split_sentences(answer):
        faults += _unsupported_in(sentence, cited_results(sentence, results), known)
    return f"Read the results again: {'; '.join(faults)}." if faults else None


def object_to_other_country(
    task: str, announcement: str, arguments: Mapping[str, Any]
) -> str | None:
    """Return a reason to reject a call about another country than the announced one, or None.

    Only the codes in the task and in the call itself count as countries. `announcement` is the text
    that the model wrote along with its call.
    """
    own = arguments.get("country")
    known = country_codes(task) | ({own} if own else set())
    announced = known & country_codes(announcement)
    queried = {own} if own else known & country_codes(arguments.get("query", ""))
    if not announced or queried <= announced:
        return None
    other = ", ".join(sorted(queried - announced))
    return (
        f"the call was not made: you said that you would ask about {', '.join(sorted(announced))}, "
        f"and it asks about {other}; say which you mean, then call"
    )


def cited_numbers(text: str) -> frozenset[int]:
    """The numbers that a text cites, such as [1] and [2, 3]."""
    groups = CITATION.findall(text)
    return frozenset(int(number) for group in groups for number in group.split(","))


def cited_results(sentence: str, results: Sequence[SearchResult]) -> Sequence[SearchResult]:
    """The results that the sentence cites, or all of them if it cites none."""
    cited = cited_numbers(sentence)
    return [result for result in results if result.number in cited] if cited else results


def split_sentences(answer: str) -> tuple[str, ...]:
    """The sentences of an answer, each with the citations that follow its full stop."""
    return tuple(SENTENCE.findall(answer))


def country_codes(text: str) -> frozenset[str]:
    return COUNTRY_CODES.intersection(THREE_CAPITALS.findall(text))


def _unsupported_in(
    sentence: str, sources: Sequence[SearchResult], known: Sequence[str]
) -> Iterator[str]:
    if not sources:  # without results, only `object_to_unsupported_figures` can judge
        return
    numbers = "".join(f"[{result.number}]" for result in sources)
    texts = [*known, *(result.content for result in sources)]
    for figure in check_figures(sentence, texts).unsupported:
        yield f"{numbers} does not support {figure}"

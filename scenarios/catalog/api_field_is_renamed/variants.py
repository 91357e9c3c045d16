"""The broken finance crew: a field that its lookup tool does not find is read as zero."""

from typing import Any

from workflows.crew_finance import FinanceCrew


class ReadsMissingFieldAsZero(FinanceCrew):
    """The mistake: a missing value gets a default, and the default is a figure."""

    def read_reply(self, reply: Any) -> Any:
        row = reply[1][0]
        value = row.get("value", 0)
        return {
            "value": value,
            "unit": "%",
            "frequency": "annual",
            "period": row["date"],
            "country": row["country"]["value"],
            "indicator": row["indicator"]["value"],
            "source": f"World Bank, {row['indicator']['id']}",
            "cite": f"{value:.1f}%, annual, {row['date']}",
        }

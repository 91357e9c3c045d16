"""Every relative link of the documents leads to a file or a folder."""

import re
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, list_documents

LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


@pytest.mark.parametrize("document", list_documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_of_a_document_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text("utf-8"))
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert missing == []


def test_the_readme_fits_on_three_screens() -> None:
    """Three screens of 50 lines; the table of scenarios is counted too."""
    assert (ROOT / "README.md").read_text("utf-8").count("\n") <= 150

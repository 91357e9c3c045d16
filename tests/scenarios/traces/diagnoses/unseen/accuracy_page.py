"""Write the tables of hits in `docs/explanation/diagnosis-accuracy.md`.

`python -m tests.scenarios.traces.diagnoses.unseen.accuracy_page` runs the programs and writes them.
"""

import os
import re
from tempfile import TemporaryDirectory

from patches.mlflow.store.new_sqlite_store import create_sqlite_store
from scenarios.cli.startup import ENVIRONMENT, quiet_frameworks
from tests.docs.documents import ROOT
from tests.scenarios.traces.diagnoses.unseen.hits import compare, render_tables
from tests.scenarios.traces.diagnoses.unseen.recording import record_cases

PAGE = ROOT / "docs" / "explanation" / "diagnosis-accuracy.md"
COMMAND = "python -m tests.scenarios.traces.diagnoses.unseen.accuracy_page"
TABLES = re.compile(r"(<!-- hits -->\n).*?(<!-- end -->)", re.DOTALL)


def render_page(text: str, tables: str) -> str:
    """The page with its tables replaced."""
    return TABLES.sub(lambda part: f"{part[1]}{tables}\n{part[2]}", text)


def main() -> None:
    """Run all cases in a store of their own, and write the page."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with TemporaryDirectory() as folder, quiet_frameworks():
        store = f"sqlite:///{folder}/mlflow.db"
        create_sqlite_store(store)
        results = [compare(case, trace) for case, trace in record_cases(store)]
    PAGE.write_text(render_page(PAGE.read_text("utf-8"), render_tables(results)), "utf-8")


if __name__ == "__main__":
    main()

"""Commands about feedback and versions: `dataset`, `compare-prompts` and `produced-by`."""

from typing import Annotated

import typer

from scenarios.cli.exits import store_access
from scenarios.cli.options import JsonOption
from scenarios.cli.output import print_json, print_json_one_or_list, print_lines
from scenarios.traces.store.trace_argument import load_trace_argument
from scenarios.traces.store.tracking_uri import require_existing, tracking_uri


def dataset(
    from_feedback: Annotated[
        str,
        typer.Option(help="MLflow experiment whose low-rated runs to add.", metavar="EXPERIMENT"),
    ],
    name: Annotated[
        str, typer.Option(help="MLflow dataset; created if needed.", metavar="NAME")
    ] = "low-rated runs",
    review: Annotated[
        bool,
        typer.Option("--review", help="Queue the runs that no person has labelled for review."),
    ] = False,
    expert: Annotated[
        list[str] | None,
        typer.Option(help="User who reviews them (repeatable).", metavar="USER"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset of the runs that people rated low.

    A rating is a feedback of a person: a thumb or stars; the last one of each person counts. A
    record has the run's input and its labels, the expectations that were logged on its trace,
    without personal data, and the ids of its traces. Equal inputs are one record; what the dataset
    has already is not added again. --review opens a queue in MLflow's pages, where experts say what
    would have been right.
    """
    with store_access("stopped", redirects_stdout=True):
        from scenarios.evaluation.feedback_report import update_from_feedback

        update = update_from_feedback(
            require_existing(tracking_uri()),
            from_feedback,
            name,
            experts=expert or (),
            with_review=review or bool(expert),
        )
    if as_json:
        print_json(update.to_json())
    else:
        print_lines(update.describe())


def compare_prompts(
    first: Annotated[
        str, typer.Argument(help="Prompt, as NAME/VERSION or NAME@ALIAS.", metavar="FIRST")
    ],
    second: Annotated[str, typer.Argument(help="Another one.", metavar="SECOND")],
    dataset: Annotated[
        str, typer.Option(help="MLflow dataset with the tasks.", metavar="NAME")
    ] = "low-rated runs",
    as_json: JsonOption = False,
) -> None:
    """Compare two versions of a prompt on a dataset.

    Answers each task with both versions, on the model that MODEL_NAME, OPENAI_API_KEY and
    OPENAI_BASE_URL select. A task passes if the answer contains the words of its label
    answer_contains. Prints whether the difference is significant (exact test of McNemar). Each
    answer is a trace that is linked to its prompt.

    Exit codes: 0 the second version passes at least as often; 1 less often; 2 cannot compare.
    """
    with store_access("stopped", redirects_stdout=True):
        from scenarios.evaluation.prompt_versions import compare_prompts as compare

        verdict = compare(require_existing(tracking_uri()), dataset, first, second)
    if as_json:
        print_json(verdict.to_json())
    else:
        print_lines(verdict.describe())
    raise typer.Exit(0 if verdict.passed[second] >= verdict.passed[first] else 1)


def produced_by(
    trace: Annotated[
        str, typer.Argument(help="ID of an MLflow trace or run, or last.", metavar="TRACE")
    ],
    as_json: JsonOption = False,
) -> None:
    """Show which commit and prompts produced a trace.

    Reads what MLflow recorded with the trace: git commit and program, versions of prompts of the
    registry, the models and parameters of its completions, and the active LoggedModel.

    Exit codes: 0 shown; 1 a prompt was loaded that is not the released version; 2 no such trace.
    """
    with store_access("stopped"):
        from scenarios.evaluation.provenance import read_provenance

        store = require_existing(tracking_uri())
        ids = [id for one in load_trace_argument(trace, store) for id in one.ids]
        if not ids:
            raise typer.BadParameter(f"{trace}: expected a trace of the store, found a file")
        found = [read_provenance(id, store) for id in ids]
    if as_json:
        print_json_one_or_list([one.to_json() for one in found])
    else:
        print_lines(line for one in found for line in one.describe())
    is_stale = any(prompt.is_not_released for one in found for prompt in one.prompts)
    raise typer.Exit(1 if is_stale else 0)

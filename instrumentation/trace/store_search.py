"""Search a whole MLflow store: all experiments, all pages, also while the process ends."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from instrumentation.trace.span_tree import TraceNotFoundError
from instrumentation.trace.wording import suggest

EXPERIMENTS_PER_PAGE = 50_000
"""The most that MLflow allows: 3,000 take half as long in one page as in three."""


def list_experiments(client: Any, *, with_deleted: bool = False) -> list[Any]:
    """Return all `mlflow.entities.Experiment` of a store."""
    from mlflow.entities import ViewType  # takes seconds: not for those who only read files

    view_type = ViewType.ALL if with_deleted else ViewType.ACTIVE_ONLY
    search = partial(
        client.search_experiments, view_type=view_type, max_results=EXPERIMENTS_PER_PAGE
    )
    return list(read_pages(search))


def find_experiments(client: Any, experiment_name: str = "") -> dict[str, str]:
    """Return the names of a store's experiments by id, of all or of one.

    Raises:
        TraceNotFoundError: No experiment has this name.
    """
    names = {one.experiment_id: one.name for one in list_experiments(client)}
    selected = {id: name for id, name in names.items() if experiment_name in ("", name)}
    if experiment_name and not selected:
        hint = suggest(experiment_name, names.values(), cutoff=0.0)
        raise TraceNotFoundError(f"there is no experiment {experiment_name!r}{hint}")
    return selected


def search_store(
    client: Any, filters: Sequence[str], *, include_spans: bool = True
) -> Iterator[Any]:
    """Yield each `mlflow.entities.Trace` of any experiment, also a deleted one, that fits a filter.

    Traces whose spans are not all there are left out, unless spans are not asked for.
    """
    from mlflow.exceptions import MlflowException

    locations = [one.experiment_id for one in list_experiments(client, with_deleted=True)]
    for filter_string in filters:
        search = partial(
            client.search_traces,
            locations=locations,
            filter_string=filter_string,
            order_by=["timestamp_ms ASC"],
        )
        try:
            yield from list(read_pages(partial(search, include_spans=include_spans)))
        except RuntimeError:  # MLflow loads spans in threads; none starts while Python ends
            for trace in read_pages(partial(search, include_spans=False)):
                with suppress(MlflowException):
                    yield client.get_trace(trace.info.trace_id, display=False)


def read_pages(search: Callable[..., Any]) -> Iterator[Any]:
    """Yield the results of all pages of a search of MLflow's client."""
    page = search()
    yield from page
    while page.token:
        page = search(page_token=page.token)
        yield from page

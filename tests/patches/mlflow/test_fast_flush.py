"""A flush of the export queue ends, however the threads take turns."""

from queue import Queue
from threading import Thread

from patches.mlflow.export_queue.fast_flush import WakingEvent

SWITCH_S = 0.2
"""Time for the other thread to get as far as it can."""


def test_a_reader_never_sees_that_it_should_stop_before_the_task_that_wakes_it() -> None:
    queue: Queue[str] = Queue()
    event = WakingEvent(queue, "empty task")
    with queue.mutex:  # no task can be added now
        setter = Thread(target=event.set)
        setter.start()
        assert not event.wait(SWITCH_S)
    setter.join(timeout=10)
    assert event.is_set()
    assert queue.get_nowait() == "empty task"
    queue.task_done()
    assert queue.unfinished_tasks == 0

"""Jobs of all companies lie in one table that every role reads, so their arguments are ids, or sealed."""

import inspect

from saasbot.jobs.worker import TASKS

NEITHER = {
    "timestamp": "of a periodic job: when it was due",
    "deleted_at": "when a product was deleted",
    "what": "a notice's name",
}


def test_the_arguments_of_every_job_are_ids_or_sealed():
    names = {name for task in TASKS for name in inspect.signature(task.func).parameters if name != "context"}
    assert {name for name in names if not name.endswith(("_id", "_ids", "_sealed"))} == NEITHER.keys()

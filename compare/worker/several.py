"""Several conversations with workers at once, each in a thread of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from compare import interrupts

_T = TypeVar("_T")


def several(jobs: Sequence[Callable[[], _T]], at_once: int) -> list[_T]:
    """What each job came to, in their order, so many at a time, begun in that order. Where one
    raises, or all are interrupted, every worker ends, and with it whoever waits for its answer."""
    with ThreadPoolExecutor(max(1, at_once)) as pool:
        begun = [pool.submit(job) for job in jobs]
        try:
            done, _ = wait(begun, return_when=FIRST_EXCEPTION)
            for one in done:
                one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            interrupts.end_groups()
            raise
        return [one.result() for one in begun]

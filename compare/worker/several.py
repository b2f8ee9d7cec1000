"""Several conversations with workers at once, each in a thread of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from compare import interrupts

_T = TypeVar("_T")
_AGAIN = 0.2  # seconds


def several(jobs: Sequence[Callable[[], _T]], at_once: int) -> list[_T]:
    """What each job came to, in their order, so many at a time, begun in that order. Where one
    raises, or all are interrupted, every worker ends, and with it whoever waits for its answer."""
    begun = list[Future[_T]]()
    with ThreadPoolExecutor(max(1, at_once)) as pool:
        try:
            begun += [pool.submit(job) for job in jobs]
            done, _ = wait(begun, return_when=FIRST_EXCEPTION)
            for one in done:
                one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            interrupts.end_groups()
            going = [one for one in begun if not one.cancelled()]
            while wait(going, _AGAIN).not_done:  # one may just have been starting a worker
                interrupts.end_groups()
            raise
    return [one.result() for one in begun]

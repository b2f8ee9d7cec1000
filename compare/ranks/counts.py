"""How many ranks are asked for, and whether there are rows and CPUs for them."""

from collections.abc import Sequence

from compare.errors import UserError
from compare.meters.threads import default_threads, usable_cpus
from compare.spec.training import TrainSpec


def parse_ranks(text: str) -> list[int]:
    """The numbers of a text such as "1,2", each once; raises UserError for any other."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and int(part) for part in parts):
        raise UserError(f"--ranks takes numbers of processes, such as 1,2, not '{text}'")
    return list(dict.fromkeys(map(int, parts)))


def require_rows(ranks: Sequence[int], train: TrainSpec) -> None:
    """Raise UserError unless the rows of a batch are equal shares, in equal micro-batches."""
    for count in ranks:
        if train.batch % (count * train.accumulation):
            parts = f" in {train.accumulation} micro-batches" if train.accumulation > 1 else ""
            least = count * train.accumulation
            nearest = max(1, round(train.batch / least)) * least
            raise UserError(
                f"--ranks {count}: a batch of {train.batch} is not {count} equal shares{parts}:"
                f" take --set train.batch={nearest}"
            )


def threads_of_each(ranks: Sequence[int]) -> int:
    """CPU threads of each rank that is not told how many, and of a cell of one that is held against
    it: an equal part of the usable CPUs."""
    return max(1, default_threads() // max(ranks))


def require_cpus(ranks: Sequence[int], threads: int) -> None:
    """Raise UserError where the CPUs are too few: figures of ranks that wait for each other's CPU
    would tell of nothing."""
    most, usable = max(ranks), usable_cpus()
    if most > 1 and most * threads > usable:
        fitting = usable // threads
        remedy = [f"--threads {usable // most}"] if usable // most else []
        remedy += [f"--ranks {fitting}"] if fitting > 1 or not remedy else []
        raise UserError(
            f"--ranks {most} with {threads} thread{'s' * (threads > 1)} each takes"
            f" {most * threads} CPUs, and {usable} can be used: take {' or '.join(remedy)}"
        )

"""What one check found."""

from typing import Literal

from pydantic import BaseModel


class Finding(BaseModel):
    """What one check found of an adapter.

    Of a failure, `deviation` is the largest difference as a share of the largest value, `factor`
    what every value is multiplied by where that is the same everywhere, and `parameters` which
    are wrong. `traceback` is that of an exception. `explained_by` names the failure that explains
    this one, and is empty where nothing else does: there `hint` has the usual causes, the
    likeliest first.
    """

    check: str
    status: Literal["passed", "failed", "skipped"]
    detail: str = ""
    hint: str = ""
    explained_by: str = ""
    problem: str = ""
    deviation: float | None = None
    factor: float | None = None
    parameters: list[str] = []
    traceback: str = ""

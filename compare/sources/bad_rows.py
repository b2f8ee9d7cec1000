"""Rows that cannot be used: refused, all of them at once, or left out and counted."""

from collections import Counter
from types import TracebackType

from compare.errors import UserError

_SHOWN = 3


class BadRow(UserError):
    """One row that cannot be used, and of which kind it is, such as "empty"."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class BadRows:
    """Gathers what is wrong with the rows of some data; each is read in `with bad_rows:`."""

    def __init__(self, skip: bool = False) -> None:
        self.skip = skip
        self.kinds: Counter[str] = Counter()
        self._shown: list[str] = []

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> bool:
        if not isinstance(error, BadRow):
            return False
        self.kinds[error.kind] += 1
        if len(self._shown) < _SHOWN:
            self._shown.append(str(error))
        return True

    def settle(self) -> None:
        """At a file's end: raise UserError if there were any, unless they are to be left out."""
        count = self.kinds.total()
        if not count or self.skip:
            self._shown.clear()
            return
        if count == 1:
            raise UserError(self._shown[0])
        more = f"; and {count - len(self._shown):,} more" if count > len(self._shown) else ""
        raise UserError(
            f"{count:,} rows cannot be used ({self.told()}): {'; '.join(self._shown)}{more}; "
            "--set task.bad_rows=skip leaves them out"
        )

    def of_all(self, path: object) -> UserError:
        """The error where a file has no row that can be used: what is wrong is not with the rows,
        but with what was asked for."""
        if not self._shown:
            return UserError(f"data '{path}' has no row below its header")
        only = "" if len(self._shown) == 1 else f"no row of '{path}' can be used: "
        return UserError(f"{only}{self._shown[0]}")

    def told(self) -> str:
        """How many of which kind, such as "empty 3, too long 1"."""
        return ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.kinds.items()))

"""Text from outside, as LaTeX prints it."""

_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    **{mark: "\\" + mark for mark in "&%$#_{}"},
    "–": "--", "\N{MULTIPLICATION SIGN}": r"$\times$",
}  # fmt: skip


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is: nothing in it is a command, nor a longer dash."""
    one_line = " ".join(text.split())
    return "".join(_SPECIAL.get(mark, mark) for mark in one_line.replace("--", "-\0-")).replace(
        "\0", "{}"
    )

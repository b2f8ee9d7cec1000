"""Where the batches of a training are cut from, and how outputs are searched for."""

from pydantic import Field

from compare.spec.parameters import Spec


class Cut(Spec):
    """One field of a batch, cut out of a flat array.

    Row r of step s is `array[starts[s, r] + offset :][:width]`, where `array` and `starts`
    name files of the data folder: (n,) and (steps, batch) int64. Where sequences of like length
    share a batch, `widths` names one more, (steps,): the width of each step, at most `width`.
    """

    array: str
    starts: str
    offset: int = Field(default=0, ge=0)
    width: int = Field(gt=0)
    widths: str | None = None


class Decoding(Spec):
    """How an encoder-decoder's output is searched for, see `beam_search` of a worker."""

    begin: int = Field(ge=0, description="token id that every output starts from")
    end: int = Field(ge=0, description="token id that ends an output")
    max_length: int = Field(gt=0, description="tokens of an output, the end included")
    beams: int = Field(default=1, gt=0, description="1 is greedy decoding")
    length_penalty: float = Field(default=1.0, ge=0, description="0 prefers short outputs")

"""What the layer descriptions are made of: parameters, how they are drawn, and dropout sites."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

LARGEST_INTEGER = 2**53
"""Up to which every reader of JSON keeps whole numbers exact."""


@dataclass(frozen=True)
class Takes:
    """In a field's annotation: what it takes, in words, where its type alone does not tell."""

    words: str


class Spec(BaseModel):
    """Base of all specs and settings: frozen, strict about names, so that a typo is never ignored,
    and of numbers that can be written down and read again."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _integers_can_be_kept(cls, value: Any) -> Any:
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            raise ValueError(f"beyond {LARGEST_INTEGER:,}, the largest that is kept")
        return value


class Initializer(Spec):
    """How a parameter is drawn: uniform in [-scale, scale], normal with the standard deviation
    `scale`, or every value equal to `scale`."""

    scale: float = Field(ge=0)
    distribution: Literal["uniform", "normal", "constant"] = "uniform"


class Parameter(NamedTuple):
    """Shape and initialiser of one parameter."""

    shape: tuple[int, ...]
    initializer: Initializer


Parameters = dict[str, Parameter]

ZEROS = Initializer(scale=0.0, distribution="constant")
ONES = Initializer(scale=1.0, distribution="constant")
GPT = Initializer(scale=0.02, distribution="normal")
"""Radford et al. 2018 (GPT), section 4.1, and kept by GPT-2."""


class DropoutSite(NamedTuple):
    """One place where values are dropped at random: the width of what passes there."""

    width: int
    rate: float


class Layer(Spec):
    """One layer of a chain. `name` begins the names of its parameters."""

    def parameters(self) -> Parameters:
        """Trainable parameters by canonical name."""
        return {}

    def dropouts(self) -> dict[str, DropoutSite]:
        """Places where this layer drops values, by name; those with a rate of 0 are not there."""
        return {}


def norm_parameters(name: str, norm: str, width: int) -> Parameters:
    """Scale, and for a layer norm a shift, each (width,)."""
    scale = {f"{name}.scale": Parameter((width,), ONES)}
    return scale | ({f"{name}.shift": Parameter((width,), ZEROS)} if norm == "layer" else {})


def linear_parameters(name: str, inputs: int, outputs: int, draw: Initializer) -> Parameters:
    """A kernel (inputs, outputs) and a bias (outputs,) that starts at zero."""
    return {
        f"{name}.kernel": Parameter((inputs, outputs), draw),
        f"{name}.bias": Parameter((outputs,), ZEROS),
    }


def active(sites: dict[str, DropoutSite]) -> dict[str, DropoutSite]:
    """The sites that drop anything at all."""
    return {name: site for name, site in sites.items() if site.rate > 0}

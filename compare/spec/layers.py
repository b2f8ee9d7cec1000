"""The layer vocabulary as data: what each layer computes, its parameters and their initial draw.

Everything is over (batch, time, width); token ids and masks are (batch, time). Layouts and
formulas are the canonical ones that every adapter maps its framework's own onto. A mask is True
where a position is valid; padding stands to the right, so that no row is without a valid
position.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from compare.spec.parameters import (
    GPT,
    ZEROS,
    DropoutSite,
    Initializer,
    Layer,
    Parameter,
    Parameters,
    active,
    linear_parameters,
    norm_parameters,
)


class Embedding(Layer):
    """Token ids (batch, time) -> vectors (batch, time, dim): row lookup in table (vocab, dim)."""

    kind: Literal["embedding"] = "embedding"
    name: str = "embedding"
    vocab: int = Field(gt=1)
    dim: int = Field(gt=0)
    # Uniform in +-0.1: Zaremba et al. 2014 (arXiv:1409.2329), section 4.1, small model.
    initializer: Initializer = Initializer(scale=0.1)

    def parameters(self) -> Parameters:
        return {f"{self.name}.table": Parameter((self.vocab, self.dim), self.initializer)}


class PositionalEmbedding(Layer):
    """y = x + table[:time]: a learnt vector for each position, table (length, dim)."""

    kind: Literal["positions"] = "positions"
    name: str = "positions"
    length: int = Field(gt=0)
    dim: int = Field(gt=0)

    def parameters(self) -> Parameters:
        return {f"{self.name}.table": Parameter((self.length, self.dim), GPT)}


class TiedHead(Layer):
    """Logits x @ table.T with the table of an embedding (Press and Wolf 2017); no parameters.

    `table` is the canonical name of that parameter, whose gradient is the sum of both uses.
    """

    kind: Literal["tied_head"] = "tied_head"
    name: str = "head"
    table: str = "embedding.table"


class Recurrent(Layer):
    """Stacked recurrent layers over (batch, time, inputs) -> (batch, time, hidden).

    With x and h standing for x_t and h_{t-1}:

    `elman` (Elman 1990): h' = tanh(x @ kernel + h @ recurrent + bias), one bias.

    `lstm` (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000): the last
    axis of kernel (inputs, 4 hidden), recurrent and bias holds the gates i, f, g, o;
    c' = sigmoid(f) * c + sigmoid(i) * tanh(g), h' = sigmoid(o) * tanh(c'). The forget bias
    starts at zero as the others do.

    `gru` (Cho et al. 2014, reset after the product as in cuDNN): the last axis holds the gates
    r, z, n; n = tanh(x @ Wn + bn + r * (h @ Un + recurrent_bias)), h' = (1 - z) * n + z * h.

    With `carry_state` a training batch starts from the state in which the last one ended,
    without a gradient flowing back into it. A mask changes nothing: padding stands to the right.
    """

    kind: Literal["recurrent"] = "recurrent"
    name: str = "rnn"
    cell: Literal["elman", "lstm", "gru"] = "elman"
    inputs: int = Field(gt=0)
    hidden: int = Field(gt=0)
    layers: int = Field(gt=0)
    carry_state: bool = True

    def parameters(self) -> Parameters:
        # Uniform in +-1/sqrt(hidden): the field's common choice for small recurrent layers.
        draw = Initializer(scale=self.hidden**-0.5)
        gates = {"elman": 1, "lstm": 4, "gru": 3}[self.cell] * self.hidden
        found: Parameters = {}
        for index in range(self.layers):
            width = self.inputs if index == 0 else self.hidden
            found[f"{self.name}.{index}.kernel"] = Parameter((width, gates), draw)
            found[f"{self.name}.{index}.recurrent"] = Parameter((self.hidden, gates), draw)
            found[f"{self.name}.{index}.bias"] = Parameter((gates,), ZEROS)
            if self.cell == "gru":
                found[f"{self.name}.{index}.recurrent_bias"] = Parameter((self.hidden,), ZEROS)
        return found


class Dense(Layer):
    """y = x @ kernel + bias over the last axis, kernel (inputs, outputs)."""

    kind: Literal["dense"] = "dense"
    name: str = "dense"
    inputs: int = Field(gt=0)
    outputs: int = Field(gt=0)
    initializer: Initializer | None = None

    def parameters(self) -> Parameters:
        # Glorot and Bengio 2010, equation 16.
        glorot = Initializer(scale=(6.0 / (self.inputs + self.outputs)) ** 0.5)
        return {
            f"{self.name}.kernel": Parameter(
                (self.inputs, self.outputs), self.initializer or glorot
            ),
            f"{self.name}.bias": Parameter((self.outputs,), ZEROS),
        }


class LayerNorm(Layer):
    """(x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + shift over the last axis
    (Ba et al. 2016, equation 4)."""

    kind: Literal["layer_norm"] = "layer_norm"
    name: str = "norm"
    width: int = Field(gt=0)
    epsilon: float = Field(default=1e-5, gt=0)

    def parameters(self) -> Parameters:
        return norm_parameters(self.name, "layer", self.width)


class RMSNorm(Layer):
    """x / sqrt(mean(x^2) + epsilon) * scale over the last axis (Zhang and Sennrich 2019,
    equation 4)."""

    kind: Literal["rms_norm"] = "rms_norm"
    name: str = "norm"
    width: int = Field(gt=0)
    epsilon: float = Field(default=1e-5, gt=0)

    def parameters(self) -> Parameters:
        return norm_parameters(self.name, "rms", self.width)


class Dropout(Layer):
    """y = x * mask / (1 - rate) in training, y = x otherwise (Srivastava et al. 2014)."""

    kind: Literal["dropout"] = "dropout"
    name: str = "dropout"
    width: int = Field(gt=0)
    rate: float = Field(ge=0, lt=1)

    def dropouts(self) -> dict[str, DropoutSite]:
        return active({self.name: DropoutSite(self.width, self.rate)})


class Pool(Layer):
    """One vector per sequence, (batch, time, width) -> (batch, 1, width): the mean or the
    maximum over the valid positions, or the last valid one."""

    kind: Literal["pool"] = "pool"
    name: str = "pool"
    how: Literal["mean", "max", "last"] = "mean"


class _Attending(Layer):
    """What attention layers share: pre-norm, heads, and the residual stream around them."""

    width: int = Field(gt=0)
    heads: int = Field(gt=0)
    norm: Literal["layer", "rms"] = "layer"
    epsilon: float = Field(default=1e-5, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    blocks: int = Field(default=1, gt=0, description="blocks in the model: scales their output")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "_Attending":
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {self.width}")
        return self

    def _onto_residual(self) -> Initializer:
        # What is added to the residual stream is drawn smaller the deeper the model: Radford et
        # al. 2019 (GPT-2), section 2.3. A block adds twice.
        return Initializer(scale=0.02 / (2 * self.blocks) ** 0.5, distribution="normal")


class CrossAttention(_Attending):
    """y = x + dropout(attend(norm(x), memory)): the decoder looks at the encoder's output.

    Queries are norm(x) @ query.kernel (width, width) + bias; keys and values are the two halves
    of the last axis of memory @ key_value.kernel (memory, 2 width) + bias. Attention itself and
    `out` are as in `TransformerBlock`. Masked by the encoder's padding.
    """

    kind: Literal["cross_attention"] = "cross_attention"
    name: str = "cross"
    memory: int = Field(gt=0, description="width of the encoder's output")
    initializer: Initializer | None = None

    def parameters(self) -> Parameters:
        draw, onto = self.initializer or GPT, self.initializer or self._onto_residual()
        return {
            **norm_parameters(f"{self.name}.norm", self.norm, self.width),
            **linear_parameters(f"{self.name}.query", self.width, self.width, draw),
            **linear_parameters(f"{self.name}.key_value", self.memory, 2 * self.width, draw),
            **linear_parameters(f"{self.name}.out", self.width, self.width, onto),
        }

    def dropouts(self) -> dict[str, DropoutSite]:
        return active({self.name: DropoutSite(self.width, self.dropout)})


class TransformerBlock(_Attending):
    """A pre-norm block in the order of GPT-2: x += dropout(attend(norm(x))), then
    x += dropout(feedforward(norm(x))).

    Attention (Vaswani et al. 2017, equation 1, section 3.2.2): the last axis of
    norm(x) @ attention.qkv.kernel (width, 3 width) + bias is queries, keys, values, each split
    into heads of head_dim = width / heads; softmax(q k^T / sqrt(head_dim)) v with masked scores
    at minus infinity; heads side by side again, times attention.out.kernel + bias. With `causal`
    a position sees itself and those before it; padding of its own side is never seen.

    `rotary` turns queries and keys by position (Su et al. 2021, equation 34), in the layout of
    GPT-NeoX: with x1, x2 the halves of a head and angle = position * 10000^(-2i/head_dim), they
    become x1 cos - x2 sin and x2 cos + x1 sin.

    Feed-forward: gelu(x @ in.kernel + bias) @ out.kernel + bias with the tanh form of GELU,
    0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel 2016).

    With `memory` a `CrossAttention` named `NAME.cross` stands between the two.
    """

    kind: Literal["transformer_block"] = "transformer_block"
    name: str = "block"
    hidden: int = Field(gt=0, description="width inside the feed-forward part")
    causal: bool = True
    rotary: bool = False
    memory: int | None = Field(default=None, gt=0, description="width of the encoder's output")

    @model_validator(mode="after")
    def _rotary_turns_pairs(self) -> "TransformerBlock":
        if self.rotary and (self.width // self.heads) % 2:
            raise ValueError("rotary positions need an even width per head")
        return self

    def cross(self) -> CrossAttention | None:
        """The cross-attention inside, as a layer of its own; None where there is none."""
        if self.memory is None:
            return None
        return CrossAttention(
            name=f"{self.name}.cross", memory=self.memory, width=self.width, heads=self.heads,
            norm=self.norm, epsilon=self.epsilon, dropout=self.dropout, blocks=self.blocks,
        )  # fmt: skip

    def parameters(self) -> Parameters:
        attention, feedforward = f"{self.name}.attention", f"{self.name}.feedforward"
        cross = self.cross()
        return {
            **norm_parameters(f"{attention}.norm", self.norm, self.width),
            **linear_parameters(f"{attention}.qkv", self.width, 3 * self.width, GPT),
            **linear_parameters(f"{attention}.out", self.width, self.width, self._onto_residual()),
            **(cross.parameters() if cross else {}),
            **norm_parameters(f"{feedforward}.norm", self.norm, self.width),
            **linear_parameters(f"{feedforward}.in", self.width, self.hidden, GPT),
            **linear_parameters(
                f"{feedforward}.out", self.hidden, self.width, self._onto_residual()
            ),
        }

    def dropouts(self) -> dict[str, DropoutSite]:
        cross = self.cross()
        site = DropoutSite(self.width, self.dropout)
        return {
            **active({f"{self.name}.attention": site}),
            **(cross.dropouts() if cross else {}),
            **active({f"{self.name}.feedforward": site}),
        }


AnyLayer = Annotated[
    Embedding
    | PositionalEmbedding
    | TiedHead
    | Recurrent
    | Dense
    | LayerNorm
    | RMSNorm
    | Dropout
    | Pool
    | CrossAttention
    | TransformerBlock,
    Field(discriminator="kind"),
]

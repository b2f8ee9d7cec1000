"""The usual causes of a failed conformance check, the likeliest first.

Each says of which failures it may be the cause: of which kinds of check, needing what (the words of
`explaining.needs`), how far off, on which parameters.
"""

from compare.conformance.hints import ARITHMETIC, CONSTANT, Cause

_RUN = ("logits", "gradients", "state", "native dropout")
_STEP = ("optimizer", "training", "several steps", "accumulation", "widths")
_PATH = (*_RUN, "training", "accumulation", "widths", "compiled")


def _float32_constants(needs: str, names: str, *kinds: str) -> Cause:
    text = f"a constant that was rounded to float32: {names}"
    return Cause(text, kinds, (needs,) if needs else (), above=1e-13, below=CONSTANT)


USUAL = (
    # Parameters that are not there, or not in their form.
    Cause(
        "weights() leaves the parameter out, or gives it another name",
        ("round trip",), problems=("missing",),
    ),
    Cause(
        "the framework did not differentiate by it: it is not watched or not in use, or"
        " gradients() leaves it out",
        ("gradients", "native dropout"), problems=("missing",),
    ),
    Cause(
        "a parameter that only the framework has, such as a second bias, is given out under its"
        " own name",
        problems=("unknown",),
    ),
    Cause(
        "a kernel is transposed on the way in and not on the way out; canonical is (inputs,"
        " outputs)",
        ("round trip",), problems=("shape", "order"), parameters=r"kernel|recurrent$|table$",
    ),
    Cause(
        "the parameter has another shape than the canonical one, which `compare list layers` has",
        ("round trip",), problems=("shape",),
    ),
    Cause(
        "gates are put into another order on the way in and not on the way out",
        ("round trip",), ("recurrent",), problems=("order",),
    ),
    Cause(
        "a kernel's gradient is not transposed as the kernel is", ("gradients",),
        problems=("shape", "order"), parameters=r"kernel|recurrent$|table$",
    ),
    Cause("the output keeps a time axis of 1", needs=("pool",), problems=("shape",)),
    Cause("logits are (batch, time, vocab)", ("logits", "other shapes"), problems=("shape",)),
    Cause(
        "weights() shares memory with what is trained, where a copy is needed; or load() takes"
        " only a part",
        ("round trip",),
    ),
    Cause("train() returned before the device had finished", ("finished",)),
    Cause(
        "load() left the optimiser's moments or the state; or training is not deterministic",
        ("finished",),
    ),
    Cause(
        "a rank divides by its own valid targets, and not by the batch's count, which is of all",
        ("ranks",),
    ),
    # What is off by as little as a rounded constant.
    _float32_constants("weight_decay", "the decay, or beta1, beta2 and 1 - beta", *_STEP),
    _float32_constants("adam", "beta1, beta2, 1 - beta, epsilon, or beta to the step", *_STEP),
    _float32_constants("momentum", "the momentum, or the learning rate", *_STEP),
    _float32_constants("sgd", "the learning rate", *_STEP),
    _float32_constants("clip_norm", "the norm to clip to", *_STEP),
    _float32_constants("dropout", "1 - rate", *_PATH),
    _float32_constants("layer_norm", "epsilon", *_PATH),
    _float32_constants("rms_norm", "epsilon", *_PATH),
    _float32_constants("rotary", "the angles of rotary positions", *_PATH),
    _float32_constants("transformer_block", "1/sqrt(head_dim), or those of GELU", *_PATH),
    _float32_constants("cross_attention", "1/sqrt(head_dim)", *_PATH),
    Cause(
        "float32 on the way: the framework's float64 switch is not set, or its loss, exp, sigmoid"
        " or tanh are no better",
        above=1e-10, below=ARITHMETIC,
        kinds=("logits", "gradients", "state", "training", "other shapes", "native dropout",
               "accumulation", "widths", "optimizer", "several steps"),
    ),
    # Updates, by which parameters are wrong and by how much.
    Cause(
        "a second bias is trained beside it (as in cuDNN's layout): the sum moves twice as far;"
        " freeze one of the two",
        ("training", "accumulation"), parameters=r"bias$",
    ),
    Cause(
        "decay is on kernels and tables only, not on vectors", ("optimizer",), ("weight_decay",),
        parameters=r"(bias|scale|shift)$",
    ),
    Cause(
        "decay is apart from the gradient, times the learning rate, of the value before the step",
        ("optimizer",), ("weight_decay",),
    ),
    Cause(
        "one norm over all parameters, before the optimiser; nothing is added to it; rows of an"
        " embedding that are repeated count as their sum",
        ("optimizer",), ("clip_norm",),
    ),
    Cause(
        "the step is g + momentum * buf with the new buf", ("optimizer",), ("nesterov",),
    ),
    Cause(
        "epsilon is added to the root of the corrected v, not inside it, nor before the"
        " correction",
        ("optimizer",), ("adam",),
    ),
    Cause(
        "m or v is not corrected by 1 - beta^t, t from 1, or keeps another share of the gradient",
        ("optimizer",), ("adam",),
    ),
    Cause(
        "the learning rate is folded into the momentum buffer; or the gradient is damped by"
        " 1 - momentum",
        ("optimizer",), ("momentum",),
    ),
    Cause(
        "each step has a learning rate of its own, learning_rates[i], and not the first one's",
        ("several steps",),
    ),
    Cause(
        "something that is counted or carried from step to step is not, inside of one call",
        ("several steps",),
    ),
    Cause(
        "the learning rate is that of the experiment, and not learning_rates[i]",
        ("optimizer",),
    ),
    # Gradients.
    Cause(
        "no gradient comes to it: it is not watched, or what it goes through is detached",
        ("gradients",), factor=0.0,
    ),
    Cause(
        "the loss is the sum over valid targets divided by their number, padding left out",
        ("gradients", "accumulation"), ("padded targets",),
    ),
    Cause(
        "the loss is the mean over all tokens of the batch, not over rows or time steps alone",
        ("gradients",), factor=float("nan"),
    ),
    Cause(
        "the head's use of the table adds to its gradient, the embedding's too", ("gradients",),
        ("tied_head",), parameters=r"table$",
    ),
    Cause(
        "an embedding's sparse gradient is not summed over repeated tokens",
        ("gradients",), parameters=r"table$",
    ),
    # Losses and state.
    Cause(
        "the learning rate is not learning_rates[i]: where that is 0, nothing moves", ("state",),
        parameters=".",
    ),
    Cause(
        "the loss that train() returns of a step is the sum over its valid targets divided by their"
        " number",
        ("state",), factor=float("nan"),
    ),
    Cause(
        "the state is not carried from batch to batch, logits() or gradients() changed it, or"
        " load() did not reset it",
        ("state",), ("carry",),
    ),
    Cause("the state is carried where carry_state is False", ("state",)),
    Cause(
        "a gradient flows into the carried state: detach it", ("training", "accumulation"),
        ("carry",),
    ),
    # Layers, what is peculiar first.
    Cause(
        "the mode runs as it is written: the compiler gave up, is switched off, or is not asked",
        ("compiled",), problems=("other",),
    ),
    Cause(
        "what the compiler makes of a larger model is wrong, or in float32", ("compiled",),
    ),
    Cause(
        "drop nothing in logits() and gradients() of a batch without masks", ("native dropout",),
    ),
    Cause(
        "dropout masks are drawn anew at every step", ("native dropout",),
        problems=("value", "other"),
    ),
    Cause(
        "something is fixed to the training batch: its size, its length, zero states",
        ("other shapes", "widths"),
    ),
    Cause(
        "a mean over micro-batches, where the sum over all valid tokens is to be divided by their"
        " number; or rows taken in another order",
        ("accumulation",),
    ),
    Cause("one state for all micro-batches", ("accumulation",), ("carry",)),
    Cause(
        "the precision that was asked for is not set, or is set for weights instead of matrix"
        " products",
        ("precision",), problems=("value", "order", "not finite", "other"),
    ),
    Cause("only valid positions count, by inputs_mask", _RUN, ("pool",)),
    Cause(
        "where a causal block has padding, a position sees itself and those before it that are"
        " valid, by inputs_mask",
        _RUN, ("causal, padded",),
    ),
    Cause(
        "rotary positions turn the halves of a head and not neighbours, by position *"
        " 10000^(-2i/head_dim), queries and keys alike",
        _RUN, ("rotary",),
    ),
    Cause(
        "the encoder reads `source`, masked by source_mask, without a causal mask", _RUN,
        ("encoder",),
    ),
    Cause(
        "queries are of the decoder, keys and values, in this order, of the encoder's output",
        _RUN, ("cross_attention",),
    ),
    Cause(
        "there is no causal mask, and padding is never seen, by inputs_mask", _RUN,
        ("not causal",),
    ),
    Cause(
        "kept values are divided by 1 - rate; the mask comes in the batch, as dropout.NAME", _RUN,
        ("dropout",),
    ),
    Cause(
        "pre-norm in the order of GPT-2; a position sees itself and those before it; scores times"
        " 1/sqrt(head_dim), softmax over keys",
        _RUN, ("transformer_block",),
    ),
    Cause(
        "GELU is in its tanh form; the last axis of qkv holds queries, keys, values, each split"
        " into heads",
        _RUN, ("transformer_block",),
    ),
    Cause(
        "epsilon is 1e-5 and inside the root; the variance is the mean of (x - mean)^2", _RUN,
        ("layer_norm",),
    ),
    Cause("epsilon is 1e-5 and inside the root; no mean is subtracted", _RUN, ("rms_norm",)),
    Cause(
        "the gates are in the order r, z, n, the first two sigmoids; h' = (1 - z) * n + z * h",
        _RUN, ("gru",),
    ),
    Cause(
        "reset comes after the product: n = tanh(x @ Wn + bn + r * (h @ Un + recurrent_bias))",
        _RUN, ("gru",),
    ),
    Cause(
        "the gates are in the order i, f, g, o, sigmoids but for g, with one bias and no implicit"
        " forget bias",
        _RUN, ("lstm",),
    ),
    Cause(
        "h' = tanh(x @ kernel + h @ recurrent + bias): a recurrent kernel that is transposed, a"
        " second bias that is not zero, a state that does not begin at zero",
        _RUN, ("elman",),
    ),
    Cause("the head is the embedding's table transposed", _RUN, ("tied_head",)),
    Cause("the vector of each position is added, from table[0] on", _RUN, ("positions",)),
    Cause("a kernel is transposed: canonical is (inputs, outputs)", ("logits",)),
    Cause("the loss is -log softmax(logits)[target], summed over valid targets", ("gradients",)),
    Cause("a bias is left out, or a parameter is not loaded", ("logits",)),
)  # fmt: skip

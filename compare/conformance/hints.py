"""The usual causes of a failed conformance check: those of its layer, then those of its kind."""

_OF_KIND = {
    "unsupported": "end the choice of layers with `raise Unsupported(layer.kind)`",
    "round trip": "a kernel is transposed on the way in and not on the way out, or a copy is"
    " missing: weights() must not share memory with what is trained",
    "logits": "a kernel transposed (canonical is (inputs, outputs)), a second bias that is not"
    " zero, float32 on the way (set the framework's float64 switch), a recurrent state that is"
    " not zero",
    "gradients": "the loss is not the mean over all tokens, an embedding's sparse gradient is not"
    " summed over repeated tokens, a parameter is missing from the tape",
    "state": "the state is not carried from batch to batch, or carried where carry_state is"
    " False; logits() or gradients() changed it; load() did not reset it",
    "finished": "train() returned before the device had finished, it is not deterministic, or"
    " load() left the optimiser's moments",
    "optimizer": "epsilon inside the root or before bias correction, float32 constants, a learning"
    " rate that is folded into the momentum buffer or not taken from `learning_rates`, two"
    " trainable biases, a gradient that flows into the carried state",
    "other shapes": "something is fixed to the training batch: its size, its length, zero states",
    "accumulation": "a mean over micro-batches where the sum over all valid tokens is to be"
    " divided by their number, rows taken in another order, one state for all micro-batches",
    "precision": "a precision that was asked for is not set, or is set for weights instead of"
    " matrix products",
    "native dropout": "a seed that is the same at every step, or dropout in logits()",
}
_OF_LAYER = {
    "lstm": "the gates are in the order i, f, g, o, with one bias and no implicit forget bias",
    "gru": "the gates are in the order r, z, n; reset after the product, with a bias of its own"
    " inside; h' = (1 - z) * n + z * h",
    "tied head": "the head is the embedding's table transposed, and both uses add to its gradient",
    "layer norm": "epsilon is 1e-5 and inside the root; the variance is the mean of (x - mean)^2",
    "rms norm": "epsilon is 1e-5 and inside the root; no mean is subtracted",
    "dropout": "kept values are divided by 1 - rate; the mask comes in the batch",
    "pool": "only valid positions count; the output keeps a time axis of 1",
    "transformer block": "pre-norm, scores times 1/sqrt(head_dim), a position sees itself, GELU in"
    " its tanh form, layer-norm epsilon 1e-5, rotary halves and not neighbours",
    "cross-attention": "queries from the decoder, keys and values from the encoder's output,"
    " masked by source_mask",
    "encoder-decoder": "the encoder reads `source` with `source_mask`; cross-attention stands"
    " between self-attention and feed-forward",
    "adamw": "decay is apart from the gradient, times the learning rate, on kernels and tables"
    " only",
    "nesterov": "the step is g + momentum * buf with the new buf",
    "clipping": "one norm over all parameters, before the optimiser, of gradients whose repeated"
    " rows are summed; nothing is added to the norm",
    "dense, padded targets": "the loss is the sum over valid targets divided by their number",
}


def hint_of(check: str) -> str:
    """The usual causes of the failure of a check such as "logits: gru of 2 layers"."""
    kind, _, of = check.partition(": ")
    layer = next((hint for name, hint in _OF_LAYER.items() if of.startswith(name)), "")
    return "; ".join(hint for hint in (layer, _OF_KIND.get(kind, "")) if hint)

"""What a network of text holds on its way: states, attention, and gradients through time.

In: plain arrays, whatever the model that they are from; `gate_values` asks a model for its gates.
Out: figures by matplotlib (extra `plot`), each of its own, without pyplot: a notebook shows it, and
`figure.savefig("seen.png")` keeps it.

    hidden_state               characters in the colour of what a unit holds as it reads them
    gates_over_time            how far gates are open at each character
    attention_map              how much each word looks at each other
    viterbi_scores             tags of words, the best tagging, and how far others are behind
    gradient_through_time      what is left of a gradient so many steps back
"""

from pullback.sequences.text.seeing.attention import attention_map
from pullback.sequences.text.seeing.gates import gate_values, gates_over_time
from pullback.sequences.text.seeing.gradients import gradient_through_time
from pullback.sequences.text.seeing.states import hidden_state
from pullback.sequences.text.seeing.tags import viterbi_scores

__all__ = [
    "attention_map",
    "gate_values",
    "gates_over_time",
    "gradient_through_time",
    "hidden_state",
    "viterbi_scores",
]

"""Text: made into numbers and back, learned from in batches, and written by models.

In: text, sentences, files of them. Out: what `Trainer.fit` takes; and text again.

    Characters, Words, BytePairs            a number for each character, word or piece
    encode_file, text_pieces                text larger than memory
    TextStreams, TextWindows                batches of a long text
    Text, Sentences, TaggedSentences        texts of classes, words with tags; their readers
    padded, character_matrix, PaddedBatches batches of sequences of different lengths
    Sampling, sample, generate              what comes next, drawn from scores; text as it comes
    StepByStep, LastWindow                  models that write: recurrent, and of a window
    beam_search                             the likeliest sequences
    paired, Answers                         a sequence for each sequence: of a `Seq2Seq`
"""

from pullback.files.text import text_pieces
from pullback.sequences.padding import PaddedBatches, padded
from pullback.sequences.text.answers import Answers, paired
from pullback.sequences.text.batches import TextStreams, TextWindows
from pullback.sequences.text.beam import Found, beam_search
from pullback.sequences.text.byte_pairs import BytePairs
from pullback.sequences.text.characters import Characters
from pullback.sequences.text.files import encode_file
from pullback.sequences.text.generation import StepModel, generate, generate_numbers
from pullback.sequences.text.letters import character_matrix
from pullback.sequences.text.long_text import Text, TextFile
from pullback.sequences.text.sampling import Sampling, sample
from pullback.sequences.text.sentences import (
    Sentences,
    TaggedSentences,
    read_conllu,
    read_sentences,
)
from pullback.sequences.text.steps import LastWindow, StepByStep
from pullback.sequences.text.tokenizer import (
    Tokenizer,
    load_tokenizer,
    load_with,
    save_with,
    tokenizer_from,
)
from pullback.sequences.text.words import Words, join_words, split_words, word_ngrams

__all__ = [
    "Answers",
    "BytePairs",
    "Characters",
    "Found",
    "LastWindow",
    "PaddedBatches",
    "Sampling",
    "Sentences",
    "StepByStep",
    "StepModel",
    "TaggedSentences",
    "Text",
    "TextFile",
    "TextStreams",
    "TextWindows",
    "Tokenizer",
    "Words",
    "beam_search",
    "character_matrix",
    "encode_file",
    "generate",
    "generate_numbers",
    "join_words",
    "load_tokenizer",
    "load_with",
    "padded",
    "paired",
    "read_conllu",
    "read_sentences",
    "sample",
    "save_with",
    "split_words",
    "text_pieces",
    "tokenizer_from",
    "word_ngrams",
]

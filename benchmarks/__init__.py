"""What pullback costs beside its peers; `python -m benchmarks` runs all of it."""

WORKS = (
    "two_layer_network", "perceptron", "formula", "products", "convolution", "images", "recurrent",
    "transformer", "sampling", "tables", "lbfgs", "word2vec", "tsne", "search",
    "mammography", "compile_time", "eager_scalar", "limits", "monitors", "doctor", "faults",
)  # fmt: skip

"""What is learned from sequences, each task a file: data and a recipe in, a trained model out."""

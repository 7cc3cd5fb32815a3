"""Whether a model is due for another fit, on which rows, and whether the candidate earned its place. No traffic."""

"""LightGBM as in the image, where scikit-learn is not installed: deciding needs none of its estimators."""

import sys


def import_lightgbm_alone() -> None:
    """Import LightGBM without scikit-learn, which costs each process 1.3 s and 60 MB; for those that only decide.

    Does nothing where either is imported already.
    """
    if not {"lightgbm", "sklearn"} & sys.modules.keys():
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # (Python's own way to say: not here)
        import lightgbm  # noqa: F401, PLC0415

        del sys.modules["sklearn"]

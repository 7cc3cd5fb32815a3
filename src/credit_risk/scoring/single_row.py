"""LightGBM's trees for one row at a time.

`Booster.predict` prepares itself anew on each call, and that is most of its time for a row. LightGBM's C interface can
be prepared once; the trees and the order in which they are added are the same, so the bits are too.
"""

import ctypes
from collections.abc import Sequence
from weakref import finalize

import lightgbm as lgb
from lightgbm.basic import _LIB  # type: ignore[attr-defined]

from credit_risk.errors import ScorerError

FLOAT64 = 1  # C_API_DTYPE_FLOAT64 of LightGBM's c_api.h
RAW_SCORE, CONTRIBUTIONS = 1, 3  # C_API_PREDICT_RAW_SCORE, C_API_PREDICT_CONTRIB

# Unlike lightgbm's own handle on the library, this one keeps Python's lock during a call: it lasts a few microseconds,
# and the prepared state must not be used by two threads at once.
_LIBRARY = ctypes.PyDLL(_LIB._name)


class _Prepared:
    """A booster, which it keeps alive, prepared to answer for one row at a time."""

    def __init__(self, booster: lgb.Booster, asked: int, answers: int) -> None:
        self._booster = booster
        self._features = booster.num_feature()
        self._row = ctypes.c_double * self._features
        self._answers = ctypes.c_double * answers
        self._handle = ctypes.c_void_p()
        _succeeded(
            _LIBRARY.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                ctypes.c_int(asked),
                ctypes.c_int(0),
                ctypes.c_int(booster.best_iteration),
                ctypes.c_int(FLOAT64),
                ctypes.c_int32(self._features),
                b"num_threads=1",
                ctypes.byref(self._handle),
            )
        )
        finalize(self, _LIBRARY.LGBM_FastConfigFree, self._handle)

    def answers(self, row: Sequence[float]) -> "ctypes.Array[ctypes.c_double]":
        if len(row) != self._features:
            raise ValueError(f"a row of {len(row)} features was given to a model of {self._features}.")
        answers, length = self._answers(), ctypes.c_int64()
        _succeeded(
            _LIBRARY.LGBM_BoosterPredictForMatSingleRowFast(
                self._handle, self._row(*row), ctypes.byref(length), answers
            )
        )
        return answers


class OneRow:
    """The log-odds of one row of the feature matrix, and what each feature adds to them (`pred_contrib`)."""

    def __init__(self, booster: lgb.Booster) -> None:
        self._booster = booster
        self._margin = _Prepared(booster, RAW_SCORE, 1)
        self._contributions = _Prepared(booster, CONTRIBUTIONS, booster.num_feature() + 1)

    def __reduce__(self) -> tuple[type["OneRow"], tuple[lgb.Booster]]:
        return OneRow, (self._booster,)  # another process prepares its own

    def margin(self, row: Sequence[float]) -> float:
        return self._margin.answers(row)[0]

    def contributions(self, row: Sequence[float]) -> list[float]:
        return list(self._contributions.answers(row))


def _succeeded(code: int) -> None:
    if code:
        message = _LIBRARY.LGBM_GetLastError().decode(errors="replace")
        raise ScorerError(f"LightGBM refused to score a row: {message}.")


_LIBRARY.LGBM_GetLastError.restype = ctypes.c_char_p

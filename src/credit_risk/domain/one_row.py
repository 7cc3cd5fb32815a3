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

RAW_SCORE, FLOAT64 = 1, 1  # C_API_PREDICT_RAW_SCORE, C_API_DTYPE_FLOAT64 of LightGBM's c_api.h

# Unlike lightgbm's own handle on the library, this one keeps Python's lock during a call: it lasts a few microseconds,
# and the prepared state must not be used by two threads at once.
_LIBRARY = ctypes.PyDLL(_LIB._name)


class OneRow:
    """The log-odds of one row of the feature matrix, by a booster that it keeps alive."""

    def __init__(self, booster: lgb.Booster) -> None:
        self._booster = booster
        self._row = ctypes.c_double * booster.num_feature()
        self._handle = ctypes.c_void_p()
        _succeeded(
            _LIBRARY.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                ctypes.c_int(RAW_SCORE),
                ctypes.c_int(0),
                ctypes.c_int(booster.best_iteration),
                ctypes.c_int(FLOAT64),
                ctypes.c_int32(booster.num_feature()),
                b"num_threads=1",
                ctypes.byref(self._handle),
            )
        )
        finalize(self, _LIBRARY.LGBM_FastConfigFree, self._handle)

    def __reduce__(self) -> tuple[type["OneRow"], tuple[lgb.Booster]]:
        return OneRow, (self._booster,)  # another process prepares its own

    def __call__(self, row: Sequence[float]) -> float:
        if len(row) != self._row._length_:
            raise ScorerError(f"a row of {len(row)} features was given to a model of {self._row._length_}.")
        margin, length = ctypes.c_double(), ctypes.c_int64()
        _succeeded(
            _LIBRARY.LGBM_BoosterPredictForMatSingleRowFast(
                self._handle, self._row(*row), ctypes.byref(length), ctypes.byref(margin)
            )
        )
        return margin.value


def _succeeded(code: int) -> None:
    if code:
        message = _LIBRARY.LGBM_GetLastError().decode(errors="replace")
        raise ScorerError(f"LightGBM refused to score a row: {message}.")


_LIBRARY.LGBM_GetLastError.restype = ctypes.c_char_p

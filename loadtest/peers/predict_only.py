"""The ceiling of the framework: one route mounted in a BentoML service that predicts one row and does nothing else."""

import gc
import os

import bentoml
import lightgbm as lgb
import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

booster = lgb.Booster(model_file=os.environ["MODEL"])


async def predict(request: Request) -> JSONResponse:
    row = np.array([(await request.json())["row"]])
    return JSONResponse({"pd": float(booster.predict(row, num_threads=1)[0])})


@bentoml.service(workers=1)
@bentoml.asgi_app(Starlette(routes=[Route("/predict", predict, methods=["POST"])]), path="/")
class PredictOnly:
    def __init__(self) -> None:
        gc.collect()
        gc.freeze()  # the same start as our own service

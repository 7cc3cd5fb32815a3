"""The practical floor: a bare FastAPI route that predicts one row and does nothing else."""

import os

import lightgbm as lgb
import numpy as np
from fastapi import FastAPI, Request

booster = lgb.Booster(model_file=os.environ["MODEL"])
app = FastAPI()


@app.post("/predict")
async def predict(request: Request) -> dict[str, float]:
    row = np.array([(await request.json())["row"]])
    return {"pd": float(booster.predict(row, num_threads=1)[0])}

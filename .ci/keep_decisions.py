"""Copy build/decisions.parquet to the lender's own store, DECISIONS_STORE (a folder, or s3://bucket/path), by the run.

Decisions are about people: they never become an artifact, which everybody who may read the repository could download.
"""

import os
import sys
from pathlib import Path

import fsspec

name = f"{os.environ['GITHUB_RUN_ID']}-{os.environ.get('GITHUB_RUN_ATTEMPT', '1')}.parquet"
target = f"{os.environ['DECISIONS_STORE'].rstrip('/')}/{name}"
with Path("build/decisions.parquet").open("rb") as source, fsspec.open(target, "wb") as copy:
    while part := source.read(1 << 20):
        copy.write(part)
sys.stdout.write(f"The decisions are at {target}\n")

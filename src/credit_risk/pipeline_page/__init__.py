"""The pipeline as a page, from dvc.yaml, dvc.lock and `dvc status`, and new stages: an optional part. Runs no stage."""

"""What decides a file, as the command line says it: this machine, or a Dask cluster."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from typer import Option

from credit_risk.errors import UsageError

if TYPE_CHECKING:
    from credit_risk.batch.task import BatchEngine

EngineName: TypeAlias = Annotated[
    Literal["threads", "dask"], Option("--engine", help="What decides: this machine's cores, or a Dask cluster.")
]
ClusterAddress: TypeAlias = Annotated[
    str | None,
    Option("--cluster", metavar="ADDRESS", help="Dask's scheduler, as tcp://host:8786; without it one is made here."),
]


def deciding(
    engine: Literal["threads", "dask"], cluster: str | None, scorer: Path
) -> "AbstractContextManager[BatchEngine]":
    """What decides by the scorer of a directory. Raises UsageError for a cluster that no engine asks for."""
    if engine == "threads":
        if cluster is not None:
            raise UsageError(f"--cluster {cluster} is for --engine dask.")
        from credit_risk.batch.task import THIS_MACHINE  # noqa: PLC0415  (late, as in every command)

        return nullcontext(THIS_MACHINE)
    try:
        from credit_risk.batch import dask_engine  # noqa: PLC0415  (late, and an extra)
    except ModuleNotFoundError as error:
        raise UsageError(f"--engine dask: {error.name} is not installed. pip install 'credit-risk[dask]'") from None
    return dask_engine.cluster(cluster, scorer)

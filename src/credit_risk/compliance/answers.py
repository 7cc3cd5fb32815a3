"""The controls of policies answered for a data set as it was read, and shown as a table."""

from collections.abc import Sequence
from itertools import chain

from rich.table import Table
from rich.text import Text

from credit_risk.compliance import controls, dataset_facts, policies
from credit_risk.compliance.policies import DataPolicy
from credit_risk.config import Config
from credit_risk.data import provenance
from credit_risk.data.files import Files
from credit_risk.data.reading import tables
from credit_risk.data.reading.tables import Reading

CONTROLLED = ("src", "configs", "data.dvc")  # what a commit must hold for a run to be traced to it


def find(frameworks: Sequence[str], files: Files) -> list[DataPolicy]:
    """The policies of frameworks by their names, as gdpr and sox. Raises UnknownFramework, ConfigError."""
    return [policies.find(files.policies, framework, DataPolicy)[1] for framework in frameworks]


def verdicts(
    data_policies: Sequence[DataPolicy], reading: Reading, config: Config, files: Files
) -> tuple[controls.Verdict, ...]:
    """Every control of these policies with its answer, in their order; none without a policy."""
    if not data_policies:
        return ()
    paths = tables.source_paths(config, files.root)
    state = dataset_facts.tracked(files.root / "data.dvc", paths)
    commit, changed = provenance.commit(files.root), provenance.uncommitted(files.root, *CONTROLLED)
    counted = dataset_facts.rows(paths[0], config.data)
    own_digest = provenance.config_digest(config)
    evidence = (
        controls.DataEvidence(
            policy=policy,
            table=reading.table,
            config=config,
            config_digest=own_digest,
            commit=commit,
            uncommitted=changed,
            rows_in_file=counted,
            recorded=state.recorded,
            measured=state.measured,
            untracked=state.untracked,
        )
        for policy in data_policies
    )
    return tuple(chain.from_iterable(map(controls.verdicts, evidence)))


def table_of(verdicts: Sequence[controls.Verdict]) -> Table:
    """The verdicts for people."""
    table = Table("", "control", "requirement", "found", "source", title="Compliance", title_justify="left")
    for its in verdicts:
        source = f"{its.source} ({its.dated.isoformat()}{', secondary source' if its.secondary else ''})"
        color = "green" if its.verdict == "PASS" else "red" if its.severity == "failure" else "yellow"
        table.add_row(Text(its.verdict, style=color), *map(Text, (its.id, its.requirement, its.sentence, source)))
    return table

"""`credit-risk up` and `supervise`: the site of this machine, and which version serves where nothing was up before."""

from credit_risk.errors import UsageError
from credit_risk.rollout.deployment import Site
from credit_risk.rollout.local import alarms, supervisor
from credit_risk.rollout.local.folder import LocalFolder


def folder_of(site: Site) -> LocalFolder:
    """The folder of a site. Raises UsageError for an environment whose replicas a cluster keeps."""
    if site.environment.kubernetes is not None:
        raise UsageError(
            f"{site.environment.environment} is a cluster, which starts, ends and scales its replicas itself; "
            "this is for the services of one machine."
        )
    return LocalFolder(site.root)


def up(site: Site, version: str, *, alarmed: bool) -> None:
    """Start router and services and wait until they answer. version: of blue, where nothing was ever up.

    alarmed: with Prometheus and Alertmanager. version: `here`, `champion`, or a number of the registry; fetched and
    verified. Raises NotUp, UsageError.
    """
    folder = folder_of(site)
    if version != "here" and not folder.versions():  # for `here`, `supervisor.prepare` copies the release
        number = site.version(version)
        site.engine.releases.fetch(number, "blue", "", "")
        folder.write_versions({"blue": number})
    supervisor.up(folder, site.environment, site.settings, alarmed=alarmed)


def supervise(site: Site, *, alarmed: bool) -> None:
    """Keep router and services running, in the foreground, until SIGTERM or SIGINT."""
    folder = folder_of(site)
    supervisor.prepare(folder, site.environment)
    watching = alarms.commands(folder, site.environment) if alarmed else ()
    supervisor.Supervisor(folder, site.environment, watching).run()

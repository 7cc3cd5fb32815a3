"""A canary rollout, for who calls it from Python: `credit-risk deploy --strategy canary` is this class."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from credit_risk.rollout import deployment
from credit_risk.rollout.deployment import DeploymentRequest, Site
from credit_risk.rollout.record.state import RolloutState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CanaryDeployer:
    """Brings a version into traffic by growing shares of the applicants: 1, 5, 10, 25, 50 and 100 % by default.

    Every share is watched for its part of `duration_s`, a sixth of it with six steps, and for as long as it takes until
    the analysis proves it good; a candidate that is bad, crashes or answers wrongly loses all traffic at once. The
    steps, the tolerances and, without a duration, the times are those of the environment (configs/deploy).

        CanaryDeployer(Site.read(Path(), "production"), duration_s=6 * 3_600).deploy("challenger", by=..., reason=...)
    """

    site: Site
    duration_s: float | None = None
    say: Callable[[str], None] = log.info

    def deploy(
        self, version: str, *, by: str, reason: str, percent: int | None = None, current: str | None = None
    ) -> RolloutState:
        """A rollout to its end, which is `done` or `rolled back` with its cause.

        version: a number of the registry, `challenger`, or `here`. percent: the first share (default: as planned).
        current: refuse unless this version is live now. Raises what deployment.deploy raises, before anything is moved.
        """
        request = DeploymentRequest(version, "canary", by, reason, percent, current, self.duration_s)
        return deployment.deploy(self.site, request, self.say)

    def resume(self) -> RolloutState:
        """Go on with a rollout whose controller is gone."""
        return deployment.resume(self.site)

    def roll_back(self, *, by: str, reason: str) -> RolloutState:
        """Back to what was live before: abort the rollout under way, or undo the last one."""
        return deployment.roll_back(self.site, by, reason)

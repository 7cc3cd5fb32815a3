"""The processes of a colour: its replicas share its applicants, and where one is killed the others answer."""

from dataclasses import dataclass

from credit_risk.rollout.colours import Colour
from credit_risk.rollout.settings import Environment


@dataclass(frozen=True)
class Replica:
    """One process of a colour on this machine. number: from 1."""

    colour: Colour
    number: int

    @property
    def name(self) -> str:
        """As router, logs and `status` call it."""
        return f"{self.colour}-{self.number}"

    def port(self, environment: Environment) -> int:
        """Where it listens: from the colour's port upwards."""
        router = environment.router
        return (router.blue_port if self.colour == "blue" else router.green_port) + self.number - 1


def replicas(colour: Colour, count: int) -> tuple[Replica, ...]:
    """The first `count` replicas of a colour."""
    return tuple(Replica(colour, number) for number in range(1, count + 1))

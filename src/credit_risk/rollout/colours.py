"""The two colours of a rollout: one has the traffic, the other is the candidate's."""

from typing import Literal

Colour = Literal["blue", "green"]
COLOURS: tuple[Colour, ...] = ("blue", "green")


def opposite(colour: Colour) -> Colour:
    """Green for blue, blue for green."""
    return "green" if colour == "blue" else "blue"

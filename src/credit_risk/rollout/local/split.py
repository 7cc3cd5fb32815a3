"""Who goes where: the buckets of green, as the router's map has them. All others are blue's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from credit_risk.rollout.colours import Colour
from credit_risk.rollout.local.bucket import BUCKETS, limit


@dataclass(frozen=True)
class TrafficSplit:
    """Green answers the buckets from `first` up to, and not including, `end`.

    A candidate of either colour always has the lowest buckets, so that its applicants are the same ones whichever
    colour it is.
    """

    first: int
    end: int
    salt: int

    @classmethod
    def of(cls, candidate: Colour, percent: int, salt: int) -> "TrafficSplit":
        """The candidate has this share, the other colour the rest."""
        if candidate == "green":
            return cls(0, limit(percent), salt)
        return cls(limit(percent), BUCKETS, salt)

    @classmethod
    def of_entries(cls, entries: Mapping[str, str]) -> "TrafficSplit":
        """The split that a map holds."""
        return cls(int(entries["from"]), int(entries["to"]), int(entries["salt"]))

    @property
    def entries(self) -> dict[str, str]:
        """The lines of the map."""
        return {"from": str(self.first), "to": str(self.end), "salt": str(self.salt)}

    @property
    def whole(self) -> bool:
        """Whether one colour has everybody."""
        return self.end <= self.first or (self.first, self.end) == (0, BUCKETS)

    def green(self, bucket: int) -> bool:
        return self.first <= bucket < self.end

    def way_to(self, target: "TrafficSplit") -> list["TrafficSplit"]:
        """The splits to set one after the other, each one value away from the last, that sends nobody astray.

        A bound that makes green smaller is set before one that makes it larger; the salt while one colour has all, as
        a new rollout begins.
        """
        way, now = [], self
        salt = [{"salt": target.salt}]
        narrower = [{"first": max(now.first, target.first)}, {"end": min(now.end, target.end)}]
        wider = [{"first": target.first}, {"end": target.end}]
        for change in (*(salt if self.whole else []), *narrower, *wider, *salt):
            after = replace(now, **change)
            if after != now:
                way.append(after)
                now = after
        return way

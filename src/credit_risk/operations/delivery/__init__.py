"""How fast changes reach applicants, how often they fail, how long that lasts: from what was recorded, never typed."""

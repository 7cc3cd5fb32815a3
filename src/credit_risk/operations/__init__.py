"""What running all this takes: how fast changes arrive and how often they fail, what it costs, how many replicas.

It reads what others recorded and measures what it starts itself; it moves no scorer, no traffic and no replica.
"""

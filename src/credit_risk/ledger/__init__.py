"""The decision ledger: durable before the reply, hash-chained, each person's data under a key of its own.

It knows scorers only where decisions are made again (replay); it knows nothing of HTTP.
"""

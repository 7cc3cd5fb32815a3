"""The decision ledger: durable before the reply, hash-chained, each person's data under a key of its own.

It knows scorers only where decisions are made again (decision_record); it knows nothing of HTTP.
"""

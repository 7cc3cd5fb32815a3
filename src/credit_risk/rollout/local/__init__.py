"""Rollouts on this machine: HAProxy, supervised processes, replicas."""

"""Rollouts on a cluster: manifests from the config, the engine through the API server."""

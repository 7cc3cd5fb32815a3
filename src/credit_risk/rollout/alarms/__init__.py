"""Who is called, and when: alerts, their way to a person and dashboards, all from an environment's typed config."""

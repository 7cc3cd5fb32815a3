"""Who may sign: a person by first and last name, never a team, a role or a blank that a form left behind."""

NOBODY = ("", "n/a", "na", "none", "tbd", "todo", "unknown", "team", "admin", "user", "name")


def is_person(name: str | None) -> bool:
    """Whether a signature names somebody: two words or more, none of them one that stands for nobody."""
    words = (name or "").lower().split()
    return len(words) >= 2 and not any(word in NOBODY for word in words)

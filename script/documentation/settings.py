"""x."""


def page() -> str:
    """Return the page."""
    return ""

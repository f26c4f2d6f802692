"""Why the operator cannot start."""


class StartupError(Exception):
    """Raised before any work is done; the text is for the user and says what to do."""

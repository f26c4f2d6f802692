"""Why the operator cannot start, or cannot go on."""


class StartupError(Exception):
    """The text is for the user and says what to do: it is the last line of the process."""

"""The second listener: administration, metrics and health."""

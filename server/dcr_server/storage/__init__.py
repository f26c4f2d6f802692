"""Where registrations live: one protocol, one suite of contract tests, implementations."""

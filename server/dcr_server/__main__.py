"""`python -m dcr_server` is `dcr-server`."""

from dcr_server.cli import main

main()

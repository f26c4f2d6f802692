"""``python -m dcr_operator``."""

from dcr_operator.cli import main

main(prog_name="dcr-operator")

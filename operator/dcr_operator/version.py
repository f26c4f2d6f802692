"""The version that is installed, as its distribution says."""

from importlib.metadata import version

VERSION = version("dcr-operator")

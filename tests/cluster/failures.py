"""
What can go wrong with the local cluster.

ClusterError
├── MissingPrerequisiteError  the machine lacks something; the message says what to install
├── BuildError                 the Go compiler said no
└── StartError                 a program of the control plane did not come up
"""


class ClusterError(Exception):
    pass


class MissingPrerequisiteError(ClusterError):
    pass


class BuildError(ClusterError):
    pass


class StartError(ClusterError):
    pass

"""What can go wrong before the server runs; both carry one sentence for the person who starts it.

ServerError
├── ConfigError       a setting is wrong
└── ServerStartError  the server cannot listen
"""


class ServerError(Exception):
    """Base of the errors that end the server's start."""


class ConfigError(ServerError):
    """A setting is missing, malformed or out of range."""


class ServerStartError(ServerError):
    """The server cannot listen at its address."""

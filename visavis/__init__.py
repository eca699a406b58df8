"""The `visavis` command: composition of the other packages."""

__version__ = "0.1.0"

"""The version, in one place: the package, the marks on objects and the results all read it here."""

__version__ = "0.1.0"

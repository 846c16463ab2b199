"""hasten makes slow code faster and proves it before it says so."""

__version__ = "0.1.0"

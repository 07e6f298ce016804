"""Antiphon: call and response. A voice appliance daemon; start reading at conversation/machine.py."""

__version__ = "0.1.0"

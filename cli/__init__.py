"""The ``earwitness`` command."""

"""The sound of the call."""

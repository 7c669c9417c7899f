"""Tests against recorded sessions: pytest plugin, ``serve``, cassettes."""

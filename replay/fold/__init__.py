"""The fold: from events to the conversation's state."""

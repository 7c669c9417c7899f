"""The dialects: their names and shapes, how to detect them, and how to convert events to canonical form and back."""

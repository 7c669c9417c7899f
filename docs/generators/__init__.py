"""What makes each page."""

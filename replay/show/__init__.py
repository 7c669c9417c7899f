"""What ``list``, ``show`` and ``tail`` print."""

"""What ``import earwitness`` offers: recorded calls as objects, asynchronous and blocking, and recording them."""

"""The replay client: a recording's client side played against a server."""

"""Search requests: what one organisation asks of the others, and how far it has come."""

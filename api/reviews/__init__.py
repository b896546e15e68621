"""People comparing two faces, blind to each other and to the score, and what follows from their conclusions."""

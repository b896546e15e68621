"""People: found persons, missing reports, the persons they are about, and their photographs."""

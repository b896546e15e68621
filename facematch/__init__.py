"""The eye: picture bytes become faces with quality and templates; it knows no web, no database and no index."""

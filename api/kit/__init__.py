"""Ground every room stands on: settings, database, sealing, languages, HTTP. No business words."""

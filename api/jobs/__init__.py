"""Work to do later, in a table of the same database: a rolled-back request leaves no ghost job."""

"""Enrolled faces, their templates, and the index kept in step with the rows."""

"""Organisations, regions, users, roles, sign-in and permission."""

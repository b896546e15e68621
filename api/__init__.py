"""The collaboration service: people, cases, searches, decisions, pages and the command."""

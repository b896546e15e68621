"""From supported to home: verification by other means than a face, handover, follow-up."""

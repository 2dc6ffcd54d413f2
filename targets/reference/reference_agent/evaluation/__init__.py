"""What an agent is measured on: rows and their right answers, and which of them are for what."""

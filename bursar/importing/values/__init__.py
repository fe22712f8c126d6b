"""How single cells write numbers, dates and currency codes."""

"""Test patches through the released file -> what the report says of it."""

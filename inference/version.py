"""The version of Touchstone, as --version, cards and reports state it; CHANGELOG.md says what changed."""

VERSION = "0.2.0"

"""The one exception that the program shows to a user without a traceback."""


class InputError(Exception):
    """Report a fault that the user can fix: the rule, the value received, the remedy."""

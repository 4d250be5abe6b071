// What a person can mend: the rule, what was received, the remedy. Everything else is a fault of ours.

export class InputError extends Error {}

"""Pictures like those of Doom: corridors seen from inside, in coarse pixels."""

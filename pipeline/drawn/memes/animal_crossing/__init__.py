"""Pictures like those of Animal Crossing: rolling grass, rooms and round-headed figures."""

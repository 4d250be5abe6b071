"""Models that find what is unusual on a surface: a network's feature map, compared with a bank of normal ones."""

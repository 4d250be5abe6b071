"""Models for anomalies: a network's feature map, compared with a memory bank of normal ones."""

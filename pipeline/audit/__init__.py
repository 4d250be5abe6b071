"""A data set before any training -> its faults: boxes, copies, leaks, groups, doubtful labels."""

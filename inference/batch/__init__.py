"""Many pictures -> answers, by several processes, journalled."""

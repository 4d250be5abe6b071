"""Pictures and results in object storage, or anywhere that pyarrow opens; with --engine ray."""

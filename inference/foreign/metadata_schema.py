"""Field ("slot") numbers of TFLite Metadata: metadata_schema.fbs of TFLite Support and MediaPipe, schema version 1.5.

inference.foreign.metadata reads them, export.metadata writes them.
"""

IDENTIFIER = b"M001"  # at bytes 4 to 8 of the metadata
NETWORK_ENTRY = "TFLITE_METADATA"  # the name of the network's buffer that holds them

# table ModelMetadata
MODEL_NAME, MODEL_DESCRIPTION, MODEL_VERSION, MODEL_SUBGRAPHS = 0, 1, 2, 3
MODEL_LICENCE, MODEL_MIN_PARSER_VERSION = 5, 7

# table SubGraphMetadata
SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS = 2, 3

# table TensorMetadata
TENSOR_NAME, TENSOR_DESCRIPTION, TENSOR_CONTENT = 0, 1, 3
TENSOR_PROCESS_UNITS, TENSOR_STATS, TENSOR_FILES = 4, 5, 6

# table Content, and what its union may hold
CONTENT_TYPE, CONTENT_PROPERTIES = 0, 1
FEATURE_PROPERTIES, IMAGE_PROPERTIES = 1, 2

# table ImageProperties, and of the enumeration ColorSpaceType
IMAGE_COLOUR_SPACE = 0
RGB = 1

# table ProcessUnit, and what its union may hold
UNIT_TYPE, UNIT_OPTIONS = 0, 1
NORMALIZATION = 1

# table NormalizationOptions
NORMALIZATION_MEAN, NORMALIZATION_STD = 0, 1

# table Stats
STATS_MAX, STATS_MIN = 0, 1

# table AssociatedFile, and of the enumeration AssociatedFileType
FILE_NAME, FILE_DESCRIPTION, FILE_TYPE, FILE_LOCALE = 0, 1, 2, 3
TENSOR_AXIS_LABELS = 2

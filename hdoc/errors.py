"""Every error that hdoc raises on purpose.

HdocError
├── InputError    a document or a file of documents cannot be read or used
├── ModelError    a folder is no model, or its parts do not fit together
├── DataError     training data is wrong; names file, row and remedy
└── LabelError    a label that the model does not know

Each message says what was expected, what came, and what to do. The command line prints it as one
line and exits with 1; nothing else ever reaches a user as a traceback.
"""


class HdocError(Exception):
    """Base class: catch this to catch all that hdoc raises on purpose."""


class InputError(HdocError):
    """A document, or a file that should hold documents, cannot be read or used."""


class ModelError(HdocError):
    """A model folder is missing, incomplete, damaged, or of another format."""


class DataError(HdocError):
    """Training data cannot be used as it is."""


class LabelError(HdocError):
    """A label was asked for that the model does not know."""

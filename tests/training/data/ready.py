"""A data module that is set up."""

from hdoc.training.data.module import DocumentData


def ready(module: DocumentData, stage: str = "fit") -> DocumentData:
    module.prepare_data()
    module.setup(stage)
    return module

"""The models that hdoc is compared with, and hdoc with one of its parts replaced.

`registry` names them all; `hdoc train fit --model.architecture NAME` trains each with the same data, loss,
optimiser, schedule, figures and tracking as hdoc itself. Nothing but the training imports this package.
"""

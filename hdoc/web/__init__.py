"""The page and the JSON API behind it; `hdoc.web.app.create_app` makes the server.

`server/` holds what any server has: `gate` stands before every request, `batching` lets concurrent requests
share forward passes, `model` says what a model must do to be served. `tasks/` holds the routes of each task.
`page/` is what a browser gets: plain files, no build step.
"""

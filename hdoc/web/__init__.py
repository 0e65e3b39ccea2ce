"""The page and the JSON API behind it; `hdoc.web.app.create_app` is the door.

`gate` stands before every request, `routes` and `api` answer them, `batching` lets concurrent requests share
forward passes, `page/` is what a browser gets: plain files, no build step.
"""

"""The page and the JSON API behind it; `hdoc.web.app.create_app` is the door.

`batching` lets concurrent requests share forward passes, `gate` stands before every request (limits,
headers, logs, metrics), `api` answers them, `page/` is what a browser gets: plain files, no build step.
"""

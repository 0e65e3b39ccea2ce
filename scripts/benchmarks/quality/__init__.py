"""Quality on the same footing: hdoc and every alternative, on the same data, budget, search and figures.

entries              what is compared, and which settings each may try on dev
tasks                which documents, from shipped configs or a user's own table
labelled_rows        the rows of such a table, read, checked and written
stratified_sampling  the division into splits, and samples of a split
training             `hdoc train` in a process of its own
run                  one fit and its outcome
runs                 all fits of a task, resumed or left out where there is an outcome already
statistics           means over seeds, bootstrap intervals, macro-F1 by length
report               the table as text, JSON and Markdown; `pictures` draws it
tracking             one MLflow experiment, a parent run for each task
"""

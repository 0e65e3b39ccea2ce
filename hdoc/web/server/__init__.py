"""What a server has whatever the task of its model is: limits, batches of requests, errors, logs, metrics."""

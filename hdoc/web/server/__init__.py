"""What stands between the network and the routes: `gate`, `batching`, `splitting`, limits and metrics."""

"""How good results are: a file a kind of result, and the pictures of them."""

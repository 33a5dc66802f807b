"""How fast, how large, how far from the limit, and beside which peers: nothing here is needed to use Catholyte."""

"""The thin web: it checks who asks, calls one function of `bursar/`, and shapes the answer."""

"""Shoppers in processes of their own, played through Locust. Nothing in here is loaded into a process of the shop:
Locust brings gevent, which changes how a whole process waits."""

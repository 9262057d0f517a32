"""Shipped to users: fakes of the ports, makers of images, hypothesis strategies."""

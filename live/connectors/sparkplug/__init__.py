"""Sparkplug B 3.0: payloads, and a host application that reads edge nodes."""

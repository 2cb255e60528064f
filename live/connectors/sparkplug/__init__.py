"""Sparkplug B 3.0: its payloads, and the side of the host application that reads edge nodes."""

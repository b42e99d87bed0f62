"""Pollwheel's stack on this machine: an AWS emulator, made-up third parties, and the deployment between them.

Everything listens on the loopback interface and is written to one folder, so that taking it down leaves nothing behind.
"""

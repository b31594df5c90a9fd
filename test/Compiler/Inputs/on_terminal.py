"""Runs a command whose stderr is a terminal, and prints what was drawn on it."""

import os
import pty
import subprocess
import sys

master, terminal = pty.openpty()
process = subprocess.Popen(sys.argv[1:], stderr=terminal)
os.close(terminal)
drawn = b""
while True:
    try:
        part = os.read(master, 4096)
    # Linux says so when the other side is closed.
    except OSError:
        break
    if not part:
        break
    drawn += part
for line in drawn.decode().replace("\r", "\n").split("\n"):
    if line:
        print(line.replace("\x1b[K", "<clear>"))
print("status", process.wait())

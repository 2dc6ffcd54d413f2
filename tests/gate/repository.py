"""Git in the current folder, as somebody of our own, whatever the machine's settings are."""

import subprocess

OWN = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")


def git(*arguments: str) -> None:
    subprocess.run([*OWN, *arguments], check=True, stdout=subprocess.DEVNULL)

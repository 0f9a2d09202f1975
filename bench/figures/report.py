"""Rows of the picture: what was measured, its limit, and whether a target is met."""

import json
import sys
import time


class Report:
    """Collects the rows of one database."""

    def __init__(self, name):
        self.name, self.sections, self.targets = name, [], []

    def section(self, title, explained=""):
        self.sections.append({"title": title, "explained": explained, "rows": []})

    def row(self, what, measured, limit="", ratio=None, least=None, most=None, why=""):
        """Adds a row. `least` and `most` are what the ratio should be; `why` is said of a ratio that has no limit beside it."""
        verdict = ""
        if least is not None or most is not None:
            is_met = ratio >= least if least is not None else ratio <= most
            verdict = "met" if is_met else "**missed**"
            target = f"≥ {least}" if least is not None else f"≤ {most}"
            self.targets.append({"what": why or what, "database": self.name, "target": target, "ratio": f"{ratio:.2f}", "verdict": verdict})
            verdict = f"{target}: {verdict}"
        self.sections[-1]["rows"].append([what, str(measured), str(limit), "" if ratio is None else f"{ratio:.2f}", verdict])
        print(f"{time.strftime('%H:%M:%S')} {self.name}: {' | '.join(self.sections[-1]['rows'][-1])}", file=sys.stderr, flush=True)

    def fault(self, part, fault):
        """Says that a part could not be measured."""
        told = " ".join(str(fault).split())[:200].replace("|", "/")
        self.targets.append({"what": f"the part `{part}`", "database": self.name, "target": "measured", "ratio": "", "verdict": f"**failed**: {told}"})
        print(f"{time.strftime('%H:%M:%S')} {self.name}: {part} failed: {fault!r}", file=sys.stderr, flush=True)

    def save(self, file):
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"name": self.name, "sections": self.sections, "targets": self.targets}, out)


def table(head, rows, right=()):
    """A table of Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("--:" if at in right else "---" for at in range(len(head))) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def print_sections(told):
    for section in told["sections"]:
        print(f"\n### {section['title']}\n")
        if section["explained"]:
            print(section["explained"] + "\n")
        print(table(["", "Guildhall", "limit, in the same run", "ratio", "target"], section["rows"], (3,)))


def main():
    """Prints the targets of all reports that are named, then their sections."""
    told = []
    for file in sys.argv[1:]:
        with open(file, encoding="utf-8") as lines:
            told.append(json.load(lines))
    print("## Targets\n")
    rows = [[target["what"], target["database"], target["target"], target["ratio"], target["verdict"]]
            for one in told for target in one["targets"]]
    rows.sort(key=lambda row: row[0])
    print(table(["target", "database", "wanted", "measured", ""], rows, (3,)))
    for one in told:
        print(f"\n## {one['name']}")
        print_sections(one)


if __name__ == "__main__":
    main()

"""Draws the panels of the dashboard from what Prometheus answered, as a page that Chromium makes a picture of."""

import html
import math
import os
import subprocess

COLUMN, ROW = 58, 32
COLOURS = ["#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642", "#cca300"]
STYLE = """
body { margin: 0; background: #111217; color: #ccccdc; font: 11px sans-serif; position: relative }
h1 { font-size: 15px; margin: 0; padding: 10px 12px } h1 small { font-weight: normal; color: #9fa7b3 }
.panel { position: absolute; box-sizing: border-box; background: #181b1f; border: 1px solid #2a2d34; padding: 6px 8px; overflow: hidden }
.title { font-weight: bold; margin-bottom: 4px } .value { font-size: 26px; color: #73bf69; text-align: center; padding-top: 20px }
.legend { max-height: 42px; overflow: hidden } .legend span { margin-right: 8px; white-space: nowrap } svg { display: block }
"""


def shown(value, unit):
    """A number as the panel's unit has it."""
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "bool_yes_no":
        return "Yes" if value else "No"
    return f"{value:.3g}" + {"reqps": " req/s", "ops": " /s"}.get(unit, "")


def stacked(lines):
    """Each line on top of those before it."""
    below, result = {}, []
    for name, points in lines:
        points = [(at, value + below.get(at, 0)) for at, value in points]
        below.update(points)
        result.append((name, points))
    return result


def chart(lines, unit, width, height, is_stacked):
    lines = stacked(lines) if is_stacked else lines
    times = [at for _, points in lines for at, _ in points]
    top = max([value for _, points in lines for _, value in points] + [0]) or 1
    begin, end = min(times), max(times)
    left, bottom = 64, height - 14

    def place(at, value):
        across = (at - begin) / max(end - begin, 1)
        return f"{left + across * (width - left - 6):.1f},{bottom - value / top * (bottom - 8):.1f}"

    parts = [f'<svg width="{width}" height="{height}">']
    for step in range(3):
        value = top * step / 2
        y = bottom - value / top * (bottom - 8)
        parts.append(f'<line x1="{left}" y1="{y}" x2="{width - 6}" y2="{y}" stroke="#2a2d34"/>')
        parts.append(f'<text x="{left - 4}" y="{y + 4}" fill="#9fa7b3" text-anchor="end">{shown(value, unit)}</text>')
    parts.append(f'<text x="{width - 6}" y="{height - 1}" fill="#9fa7b3" text-anchor="end">{end - begin:.0f} s</text>')
    for number, (_, points) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(place(at, value) for at, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return "".join(parts) + "</svg>"


def legend(lines):
    names = [f'<span style="color:{COLOURS[number % len(COLOURS)]}">&#9473; {html.escape(name)}</span>'
             for number, (name, _) in enumerate(lines) if name]
    return f'<div class="legend">{"".join(names)}</div>'


def body(panel, lines, width, height):
    unit = panel["fieldConfig"]["defaults"]["unit"]
    if panel["type"] == "stat":
        name, points = lines[0]
        text = name if panel["options"]["textMode"] == "name" else shown(points[-1][1], unit)
        return f'<div class="value">{html.escape(text)}</div>'
    is_stacked = panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"
    return chart(lines, unit, width - 18, height - 76, is_stacked) + legend(lines)


def draw(results, folder, file):
    """Draws `results` to the PNG `file`."""
    parts, bottom, head = [], 0, 40
    for panel, lines in results:
        place = panel["gridPos"]
        width, height = place["w"] * COLUMN, place["h"] * ROW
        top = head + place["y"] * ROW
        bottom = max(bottom, top + height)
        parts.append(f'<div class="panel" style="left:{place["x"] * COLUMN}px;top:{top}px;width:{width}px;height:{height}px">'
                     f'<div class="title">{html.escape(panel["title"])}</div>{body(panel, lines, width, height)}</div>')
    title = ("<h1>Guildhall <small>The panels of deploy/grafana/dashboards/guildhall.json over a service under load, answered by Prometheus "
             "and drawn by scripts/dashboard (not by Grafana)</small></h1>")
    page = os.path.join(folder, "dashboard.html")
    with open(page, "w", encoding="utf-8") as out:
        out.write(f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>{title}{"".join(parts)}')
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/chromium",
         f"--window-size={24 * COLUMN},{math.ceil(bottom)}", f"--screenshot={os.path.abspath(file)}", f"file://{page}"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    print(f"dashboard-check: drew {file}")

"""chart.svg: how many times as long as ours each peer takes, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log10

from benchmarks.report import KINDS, TIMES
from benchmarks.results import Results
from benchmarks.tools import BARE, EQUIVALENT, OURS, PEER_TOOLS

WIDTH, LEFT, RIGHT, TOP = 760, 190, 60, 64
BAR, GAP, GROUP_GAP = 13, 3, 22
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #57606a }
.head { font-weight: 600 }
.cold { fill: #0969da } .no-op { fill: #8c6bd8 }
.one { stroke: #1a7f37; stroke-width: 2 } .grid { stroke: #8c959f55 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9da7b1 }
  .cold { fill: #4493f8 } .no-op { fill: #ab8df0 } .one { stroke: #3fb950 }
}"""


def svg(results: Results) -> str:
    """Return the chart as a text of SVG that reads on light and on dark."""
    chart = _Chart(results)
    body = "\n".join(chart.body())
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {chart.height}" role="img"
 aria-label="How many times as long as this project other tools take for the same job">
<style>
{STYLE}
</style>
{body}
</svg>
"""


class _Chart:
    def __init__(self, results: Results) -> None:
        self._results = results
        self._tools = (EQUIVALENT, BARE, *PEER_TOOLS)
        self._sizes = [size for size in results.sizes() if list(self._bars(size))]
        ratios = [ratio for size in self._sizes for _, _, ratio in self._bars(size)] or [1.0]
        self._low = min(-1.0, log10(min(ratios)) - 0.05)
        self._high = max(1.0, ceil(log10(max(ratios)) * 4) / 4)
        rows = sum(len({tool for tool, _, _ in self._bars(size)}) for size in self._sizes)
        row = len(KINDS) * (BAR + GAP) + 6
        self.height = TOP + rows * row + len(self._sizes) * (GROUP_GAP + 18) + 16

    def _bars(self, size: int) -> Iterator[tuple[str, str, float]]:
        for tool in self._tools:
            for kind in KINDS:
                ratio = self._results.ratio(tool.name, OURS.name, size, kind)
                if ratio is not None:
                    yield tool.title, kind, ratio

    def _x(self, ratio: float) -> float:
        share = (log10(ratio) - self._low) / (self._high - self._low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def body(self) -> Iterator[str]:
        yield '<text class="head" x="16" y="24">Times as long as this project (= 1)</text>'
        yield f'<rect class="cold" x="{LEFT}" y="36" width="12" height="12"/>'
        yield f'<text class="small" x="{LEFT + 18}" y="46">cold deploy</text>'
        yield f'<rect class="no-op" x="{LEFT + 110}" y="36" width="12" height="12"/>'
        yield f'<text class="small" x="{LEFT + 128}" y="46">nothing to do</text>'
        yield from self._scale()
        y = TOP
        for size in self._sizes:
            y += GROUP_GAP
            yield f'<text class="head" x="16" y="{y}">{size} hosts</text>'
            y += 8
            last = ""
            for title, kind, ratio in self._bars(size):
                if title != last:
                    y += 6
                    yield f'<text x="28" y="{y + BAR + 4}">{title}</text>'
                    last = title
                yield from self._bar(y, kind, ratio)
                y += BAR + GAP
            y += 10

    def _bar(self, y: int, kind: str, ratio: float) -> Iterator[str]:
        one, end = self._x(1), self._x(ratio)
        left, width = min(one, end), max(1.5, abs(end - one))
        yield f'<rect class="{kind}" x="{left:.1f}" y="{y}" width="{width:.1f}" height="{BAR}"/>'
        text = f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:.0f}"
        side = f'x="{end + 5:.1f}"' if ratio >= 1 else f'x="{end - 5:.1f}" text-anchor="end"'
        yield f'<text class="small" {side} y="{y + BAR - 3}">{text}{TIMES}</text>'

    def _scale(self) -> Iterator[str]:
        for ratio in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100):
            if self._low <= log10(ratio) <= self._high:
                x = self._x(ratio)
                kind = "one" if ratio == 1 else "grid"
                ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{self.height - 8}"'
                yield f'<line class="{kind}" {ends}/>'
                place = f'x="{x:.1f}" y="{TOP - 3}" text-anchor="middle"'
                yield f'<text class="small" {place}>{ratio:g}{TIMES}</text>'

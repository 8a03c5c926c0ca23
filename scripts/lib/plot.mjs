/** Line plots as SVG, without a library: a few series over a logarithmic x axis. */

const WIDTH = 640;
const HEIGHT = 400;
const MARGIN = { left: 64, right: 190, top: 48, bottom: 52 };
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];
const TICKS = 5;

const asText = (content) => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A round number not below `value`: 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= value) ?? value;
}

function shortNumber(value) {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : String(Number(value.toPrecision(3)));
}

/** `series`: name and points `[x, y]`, y from zero; `x` is on a logarithmic scale. */
export function linePlot({ title, xLabel, yLabel, series }) {
  const points = series.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const step = roundUp(Math.max(...points.map(([, y]) => y)) / TICKS);
  const yMax = step * TICKS;
  const [from, to] = [Math.log(xs[0]), Math.log(xs.at(-1))];
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const atX = (x) => (to === from ? (MARGIN.left + right) / 2 : MARGIN.left + ((Math.log(x) - from) / (to - from)) * (right - MARGIN.left));
  const atY = (y) => bottom - (y / yMax) * (bottom - MARGIN.top);
  const text = (x, y, content, more = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${asText(content)}</text>`;
  const line = (x1, y1, x2, y2, more) =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${more}/>`;
  const parts = [
    `<title>${asText(title)}</title>`,
    text(MARGIN.left, 24, title, 'font-size="15" font-weight="bold"'),
    text((MARGIN.left + right) / 2, HEIGHT - 12, xLabel, 'text-anchor="middle"'),
    text(MARGIN.left, MARGIN.top - 8, yLabel),
  ];
  for (let tick = 0; tick <= TICKS; tick++) {
    const y = atY(tick * step);
    parts.push(line(MARGIN.left, y, right, y, 'stroke="#dddddd"'));
    parts.push(text(MARGIN.left - 8, y + 4, shortNumber(tick * step), 'text-anchor="end"'));
  }
  for (const x of xs) parts.push(text(atX(x), bottom + 20, shortNumber(x), 'text-anchor="middle"'));
  series.forEach((one, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = one.points.map(([x, y]) => `${atX(x).toFixed(1)},${atY(y).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const [x, y] of one.points) parts.push(`<circle cx="${atX(x).toFixed(1)}" cy="${atY(y).toFixed(1)}" r="3" fill="${colour}"/>`);
    const y = MARGIN.top + 8 + 20 * index;
    parts.push(line(right + 12, y, right + 32, y, `stroke="${colour}" stroke-width="2"`));
    parts.push(text(right + 38, y + 4, one.name));
  });
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`;
  return `${head}\n<rect width="100%" height="100%" fill="white"/>\n${parts.join('\n')}\n</svg>\n`;
}

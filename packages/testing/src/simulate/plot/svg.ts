/** A few marks of SVG, as text. */

/** Text as it may stand in a mark. */
function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** At most one decimal: plots are made of many numbers. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${coordinate(x)}" y="${coordinate(y)}" ${more}>${escaped(content)}</text>`;
}

export function rect(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${coordinate(x)}" y="${coordinate(y)}" width="${coordinate(width)}" height="${coordinate(height)}" fill="${fill}"/>`;
}

/** A line through points that are evenly spaced; values that are no numbers leave a gap. */
export function polyline(points: readonly (readonly [number, number])[], stroke: string): string {
  let path = '';
  let open = false;
  for (const [x, y] of points) {
    if (Number.isNaN(y)) {
      open = false;
      continue;
    }
    path += `${open ? 'L' : 'M'}${coordinate(x)} ${coordinate(y)}`;
    open = true;
  }
  return `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="1.6" stroke-linejoin="round"/>`;
}

/** The record of a simulation as one SVG: load per host, what became of requests, health, latency, one above the other. */
import type { HostRecord, Recorder } from '../record.ts';
import type { Scenario } from '../scenario.ts';
import { blend, label, roundUp } from './scale.ts';
import { coordinate, polyline, rect, text } from './svg.ts';

const WIDTH = 960;
const LEFT = 76;
const RIGHT = 210;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const LINES_HEIGHT = 170;
const GAP = 58;
const TOP = 64;
/** More hosts than this are drawn as a map of colours. */
const MOST_LINES = 12;
/** Rows of that map: with more hosts each row is several of them. */
const MOST_ROWS = 120;

/** Told apart by most eyes (Okabe and Ito), and once more for the second six. */
const COLOURS = [
  '#0072b2',
  '#e69f00',
  '#009e73',
  '#cc79a7',
  '#d55e00',
  '#56b4e9',
  '#000000',
  '#8c6d1f',
  '#5b5b9f',
  '#7fae3d',
  '#a03060',
  '#40a0a0',
];
const LOW = [238, 243, 248];
const HIGH = [8, 48, 107];

interface Series {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly number[];
}

interface Panel {
  readonly marks: string;
  readonly height: number;
}

export function plotSvg(scenario: Scenario, record: Recorder): string {
  const perSecond = (row: Uint32Array): number[] => [...row].map((count) => (1000 * count) / record.bucketMs);
  const panels = [
    loadPanel(scenario, record, perSecond),
    linesPanel('Requests per second', scenario, record, [
      { name: 'arrivals', colour: '#5b6770', values: perSecond(record.arrivals) },
      { name: 'succeeded', colour: '#009e73', values: perSecond(record.succeeded) },
      { name: 'failed', colour: '#d55e00', values: perSecond(record.failed) },
      { name: 'retries', colour: '#e69f00', values: perSecond(record.retries) },
    ]),
    linesPanel('Hosts', scenario, record, [
      { name: 'members', colour: '#5b6770', values: [...record.members] },
      { name: 'healthy', colour: '#009e73', values: [...record.healthy] },
      { name: 'degraded', colour: '#e69f00', values: [...record.degraded] },
      { name: 'ejected', colour: '#d55e00', values: [...record.ejected] },
    ]),
    linesPanel('Latency of clients, ms', scenario, record, [
      { name: 'median', colour: '#0072b2', values: latencies(record, 0.5) },
      { name: '99 of 100', colour: '#cc79a7', values: latencies(record, 0.99) },
    ]),
  ];
  let y = TOP;
  let marks = '';
  for (const panel of panels) {
    marks += `<g transform="translate(0 ${coordinate(y)})">${panel.marks}</g>`;
    y += panel.height + GAP;
  }
  const style = 'font: 12px system-ui, sans-serif; fill: #24303a';
  const title = text(LEFT, 30, scenario.name, 'style="font-size:18px;font-weight:600"');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${coordinate(y)}" style="${style}">${rect(0, 0, WIDTH, y, '#ffffff')}${title}${marks}</svg>\n`;
}

function latencies(record: Recorder, quantile: number): number[] {
  return Array.from({ length: record.buckets }, (_, bucket) => record.latencyMs(quantile, bucket, bucket + 1));
}

function loadPanel(scenario: Scenario, record: Recorder, perSecond: (row: Uint32Array) => number[]): Panel {
  const hosts = [...record.hosts].sort(
    (a, b) => a.priority - b.priority || (a.zone < b.zone ? -1 : a.zone > b.zone ? 1 : 0),
  );
  if (hosts.length > MOST_LINES) return heatPanel(scenario, record, hosts, perSecond);
  const series = hosts.map(({ address, zone, requests }, index) => ({
    name: zone === '' ? address : `${address} (${zone})`,
    colour: COLOURS[index % COLOURS.length] ?? '#000000',
    values: perSecond(requests),
  }));
  return linesPanel('Load per host, requests per second', scenario, record, series);
}

/** Rows are hosts by priority and zone, columns time; the darker, the more requests. */
function heatPanel(
  scenario: Scenario,
  record: Recorder,
  hosts: readonly HostRecord[],
  perSecond: (row: Uint32Array) => number[],
): Panel {
  const perRow = Math.ceil(hosts.length / MOST_ROWS);
  const rows: { readonly zone: string; readonly values: number[] }[] = [];
  for (let first = 0; first < hosts.length; first += perRow) {
    const members = hosts.slice(first, first + perRow);
    const values = Array<number>(record.buckets).fill(0);
    for (const { requests } of members) {
      for (const [bucket, rate] of perSecond(requests).entries())
        values[bucket] = (values[bucket] ?? 0) + rate / members.length;
    }
    rows.push({ zone: members[0]?.zone ?? '', values });
  }
  const most = roundUp(rows.reduce((top, { values }) => Math.max(top, ...values), 0));
  const rowHeight = Math.max(2.5, Math.min(10, 300 / rows.length));
  const column = PLOT_WIDTH / record.buckets;
  const height = rowHeight * rows.length;
  let marks = heading(
    `Load per host, requests per second: ${hosts.length} hosts${perRow > 1 ? `, ${perRow} to a row` : ''}`,
  );
  for (const [index, { values }] of rows.entries())
    marks += heatRow(values, index * rowHeight, rowHeight, column, most);
  marks += zoneLabels(rows, rowHeight) + timeAxis(scenario, height) + eventMarks(scenario, height) + heatLegend(most);
  return { marks, height };
}

/** Neighbours of one colour are one mark. */
function heatRow(values: readonly number[], y: number, rowHeight: number, column: number, most: number): string {
  const shade = (value: number): number => Math.round((24 * Math.min(value, most)) / most);
  let marks = '';
  let from = 0;
  for (let bucket = 1; bucket <= values.length; bucket++) {
    const same = bucket < values.length && shade(values[bucket] ?? 0) === shade(values[from] ?? 0);
    if (same) continue;
    const fill = (values[from] ?? 0) === 0 ? '#f6f6f4' : blend(LOW, HIGH, shade(values[from] ?? 0) / 24);
    marks += rect(LEFT + from * column, y, (bucket - from) * column, rowHeight, fill);
    from = bucket;
  }
  return marks;
}

function zoneLabels(rows: readonly { readonly zone: string }[], rowHeight: number): string {
  let marks = '';
  for (const [index, { zone }] of rows.entries()) {
    if (zone === '' || (index > 0 && rows[index - 1]?.zone === zone)) continue;
    marks += text(LEFT - 8, index * rowHeight + 10, zone, 'text-anchor="end"');
  }
  return marks;
}

function heatLegend(most: number): string {
  const x = LEFT + PLOT_WIDTH + 16;
  const steps = Array.from({ length: 25 }, (_, index) => rect(x + index * 5, 0, 5, 12, blend(LOW, HIGH, index / 24)));
  return `${steps.join('')}${text(x, 28, '0')}${text(x + 125, 28, label(most), 'text-anchor="end"')}`;
}

function linesPanel(title: string, scenario: Scenario, record: Recorder, series: readonly Series[]): Panel {
  const shown = series.filter(({ values }) => values.some((value) => value > 0));
  const most = roundUp(Math.max(0, ...shown.flatMap(({ values }) => values.filter((value) => !Number.isNaN(value)))));
  const height = LINES_HEIGHT;
  let marks = heading(title) + valueAxis(most, height) + timeAxis(scenario, height) + eventMarks(scenario, height);
  for (const [index, { name, colour, values }] of shown.entries()) {
    const points = values.map((value, bucket) => {
      return [LEFT + ((bucket + 0.5) * PLOT_WIDTH) / record.buckets, height - (value / most) * height] as const;
    });
    const x = LEFT + PLOT_WIDTH + 16;
    const y = 8 + index * 15;
    marks += polyline(points, colour) + rect(x, y - 4, 14, 3, colour) + text(x + 20, y, name);
  }
  return { marks, height };
}

function heading(title: string): string {
  return text(LEFT, -10, title, 'style="font-weight:600"');
}

function valueAxis(most: number, height: number): string {
  return [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const y = height - share * height;
      return (
        rect(LEFT, y, PLOT_WIDTH, 0.5, '#d8dde1') + text(LEFT - 8, y + 4, label(share * most), 'text-anchor="end"')
      );
    })
    .join('');
}

function timeAxis({ durationMs }: Scenario, height: number): string {
  const stepS = roundUp(durationMs / 1000 / 8);
  let marks = rect(LEFT, height, PLOT_WIDTH, 1, '#5b6770');
  for (let atS = 0; atS * 1000 <= durationMs * 1.0001; atS += stepS) {
    const x = LEFT + (PLOT_WIDTH * atS * 1000) / durationMs;
    marks += rect(x, height, 1, 4, '#5b6770') + text(x, height + 17, `${label(atS)} s`, 'text-anchor="middle"');
  }
  return marks;
}

function eventMarks({ durationMs, events = [] }: Scenario, height: number): string {
  return events
    .filter(({ atMs }) => atMs <= durationMs)
    .map(({ atMs, name }) => {
      const x = LEFT + (PLOT_WIDTH * atMs) / durationMs;
      const line = `<path d="M${coordinate(x)} 0V${coordinate(height)}" stroke="#5b6770" stroke-dasharray="3 3"/>`;
      return line + text(x + 3, height - 5, name, 'style="font-size:11px;fill:#5b6770"');
    })
    .join('');
}

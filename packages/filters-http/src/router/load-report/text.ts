/** Load reports that people can read. */
import type { LoadReport } from '@mesh/core';
import { mapNamed, newReport, type ReportDraft, setNumber } from './report.ts';

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** `cpu_utilization=0.3, named_metrics.queue=5`; a colon will do as well. Each metric once. */
export function parseText(text: string): LoadReport | undefined {
  const report = newReport();
  const seen = new Set<string>();
  for (const part of text.split(',')) {
    const entry = part.trim();
    if (entry === '') continue;
    const at = entry.search(/[=:]/);
    const name = entry.slice(0, Math.max(0, at)).trim();
    const value = entry.slice(at + 1).trim();
    if (at < 0 || seen.has(name) || !NUMBER.test(value)) return undefined;
    if (!setMetric(report, name, Number(value))) return undefined;
    seen.add(name);
  }
  return report;
}

function setMetric(report: ReportDraft, name: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (setNumber(report, name, value)) return true;
  const dot = name.indexOf('.');
  const map = mapNamed(report, name.slice(0, Math.max(0, dot)));
  if (map === undefined || dot === name.length - 1) return false;
  map.set(name.slice(dot + 1), value);
  return true;
}

/** The JSON form of `OrcaLoadReport`; fields that it does not know are passed over. */
export function parseJson(text: string): LoadReport | undefined {
  const read = objectOf(text);
  if (read === undefined) return undefined;
  const report = newReport();
  for (const [key, value] of Object.entries(read)) {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (value !== null && !setField(report, name, value)) return undefined;
  }
  return report;
}

function objectOf(text: string): object | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? read : undefined;
  } catch {
    return undefined;
  }
}

/** False for a value of the wrong kind. */
function setField(report: ReportDraft, name: string, value: unknown): boolean {
  const map = mapNamed(report, name);
  if (map === undefined) {
    const number = numberOf(value);
    // A name that is not known may have any value.
    return number === undefined ? !setNumber(report, name, 0) : setNumber(report, name, number) || true;
  }
  if (typeof value !== 'object' || value === null) return false;
  for (const [key, each] of Object.entries(value)) {
    const number = numberOf(each);
    if (number === undefined) return false;
    map.set(key, number);
  }
  return true;
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

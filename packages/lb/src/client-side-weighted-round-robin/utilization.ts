/** Metrics of a load report by their names in configs. */
import type { LoadReport } from '@mesh/core';

/** The greatest of the named metrics, 0 when the report has none of them. `<map>.*` are all of a map. */
export function greatestUtilization(report: LoadReport, names: readonly string[]): number {
  let most = 0;
  for (const name of names) most = Math.max(most, metric(report, name));
  return most;
}

function metric(report: LoadReport, name: string): number {
  switch (name) {
    case 'cpu_utilization':
      return report.cpuUtilization;
    case 'mem_utilization':
      return report.memUtilization;
    case 'application_utilization':
      return report.applicationUtilization;
    case 'eps':
      return report.eps;
    case 'rps_fractional':
      return report.rpsFractional;
    default:
      return mapped(report, name);
  }
}

function mapped(report: LoadReport, name: string): number {
  const dot = name.indexOf('.');
  const map = mapOf(report, name.slice(0, Math.max(0, dot)));
  const key = name.slice(dot + 1);
  if (key !== '*') return map?.get(key) ?? 0;
  let most = 0;
  for (const value of map?.values() ?? []) most = Math.max(most, value);
  return most;
}

function mapOf(report: LoadReport, name: string): ReadonlyMap<string, number> | undefined {
  if (name === 'named_metrics') return report.namedMetrics;
  if (name === 'utilization') return report.utilization;
  return name === 'request_cost' ? report.requestCost : undefined;
}

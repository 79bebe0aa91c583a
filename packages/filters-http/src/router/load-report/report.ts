/** A load report while it is read. */
import type { LoadReport } from '@mesh/core';

export type ReportDraft = {
  -readonly [K in keyof LoadReport]: LoadReport[K] extends number ? number : Map<string, number>;
};

export function newReport(): ReportDraft {
  return {
    cpuUtilization: 0,
    applicationUtilization: 0,
    memUtilization: 0,
    rpsFractional: 0,
    eps: 0,
    namedMetrics: new Map(),
    utilization: new Map(),
    requestCost: new Map(),
  };
}

/** Sets a metric that is a number; false when there is none of this name. */
export function setNumber(report: ReportDraft, name: string, value: number): boolean {
  switch (name) {
    case 'cpu_utilization':
      report.cpuUtilization = value;
      return true;
    case 'mem_utilization':
      report.memUtilization = value;
      return true;
    case 'application_utilization':
      report.applicationUtilization = value;
      return true;
    case 'rps_fractional':
      report.rpsFractional = value;
      return true;
    case 'eps':
      report.eps = value;
      return true;
    default:
      return false;
  }
}

/** The metrics below a name; `undefined` when there are none of this name. */
export function mapNamed(report: ReportDraft, name: string): Map<string, number> | undefined {
  if (name === 'named_metrics') return report.namedMetrics;
  if (name === 'utilization') return report.utilization;
  return name === 'request_cost' ? report.requestCost : undefined;
}

import { describe, expect, it } from 'vitest';
import { type MatrixReport, runAbortMatrix } from './abort-matrix.ts';

/** Of every cell; the long form is `node conformance/reliability/abort-matrix.mjs --iterations 2000`. */
const ITERATIONS = Number(process.env.ABORT_ITERATIONS ?? 200);
/** What may differ between two garbage-collected moments of one process, whatever the number of iterations. */
const HEAP_SLACK_BYTES = 1024 * 1024;

describe('abort matrix', () => {
  let report: MatrixReport;

  it('runAbortMatrix every aborted exchange ends as its side can tell', { timeout: 600_000 }, async () => {
    report = await runAbortMatrix(ITERATIONS);
    expect(report.cells.filter(({ unexpected }) => unexpected.length > 0)).toEqual([]);
    expect(report.cells).toHaveLength(6);
  });

  it('runAbortMatrix leaves no active stream or connection', () => {
    expect(report.left).toEqual({});
  });

  it('runAbortMatrix leaves no socket or timer', () => {
    expect(report.after.resources).toEqual(report.before.resources);
  });

  it('runAbortMatrix leaves no heap', () => {
    expect(report.after.heapBytes - report.before.heapBytes).toBeLessThan(HEAP_SLACK_BYTES);
  });
});

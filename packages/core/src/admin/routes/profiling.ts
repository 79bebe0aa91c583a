/** `/cpuprofiler`, `/heapprofiler`, `/allocprofiler`, `/heap_dump` and `/contention`. */
import type { Measurement, Profiler } from '../profiler.ts';
import { type AdminParam, type AdminReply, type AdminRequest, type AdminRoute, text } from '../route.ts';

const enable = (help: string): AdminParam => ({ id: 'enable', type: 'enum', values: ['y', 'n'], help });

/** Endpoints that measure the process. */
export function profilingRoutes(profiler: Profiler): readonly AdminRoute[] {
  return [
    {
      path: '/cpuprofiler',
      help: 'enable/disable the CPU profiler',
      mutates: true,
      params: [enable('enables the CPU profiler')],
      handle: (request) => cpu(request, profiler),
    },
    {
      path: '/heapprofiler',
      help: 'enable/disable the heap profiler',
      mutates: true,
      params: [enable('enable/disable the heap profiler')],
      handle: (request) => heap(request, profiler),
    },
    {
      path: '/allocprofiler',
      help: 'enable/disable the allocation profiler (if supported)',
      mutates: true,
      params: [enable('enable/disable the allocation profiler')],
      handle: (request) => allocations(request, profiler),
    },
    {
      path: '/heap_dump',
      help: 'dump current Envoy heap (if supported)',
      // Everything in memory is in it, private keys too.
      guarded: true,
      handle: () => heapDump(profiler),
    },
    {
      path: '/contention',
      help: 'dump current Envoy mutex contention stats (if enabled)',
      handle: () =>
        text('Mutex contention tracing is not enabled. To enable, run Envoy with flag --enable-mutex-tracing.'),
    },
  ];
}

/** As in Envoy, to start what runs and to stop what does not is no error. */
async function cpu(request: AdminRequest, profiler: Profiler): Promise<AdminReply> {
  const on = wanted(request);
  if (on === undefined) return usage();
  if (profiler.active === 'cpu') {
    if (!on) await profiler.stopToFile();
    return text('OK\n');
  }
  if (profiler.active !== undefined) return busy(profiler);
  if (!on) return text('OK\n');
  return (await started('cpu', profiler)) ? text('OK\n') : text('failure to start the profiler', 500);
}

async function heap(request: AdminRequest, profiler: Profiler): Promise<AdminReply> {
  const on = wanted(request);
  if (on === undefined) return usage();
  if (!on) {
    if (profiler.active !== 'heap') return text('Fail to stop heap profiler: not started', 400);
    await profiler.stopToFile();
    return text(`Heap profiler stopped and data written to ${profiler.fileOf('heap')}.`);
  }
  if (profiler.active === 'heap') return text('Fail to start heap profiler: already started', 400);
  if (profiler.active !== undefined) return busy(profiler);
  return (await started('heap', profiler))
    ? text('Starting heap profiler')
    : text('Fail to start the heap profiler', 500);
}

async function allocations(request: AdminRequest, profiler: Profiler): Promise<AdminReply> {
  const on = wanted(request);
  if (on === undefined) return usage();
  if (!on) {
    if (profiler.active !== 'allocations') return text('Allocation profiler is not started', 400);
    return download(await profiler.stop(), 'mesh.heapprofile');
  }
  if (profiler.active === 'allocations') return text('Allocation profiler has already started', 400);
  if (profiler.active !== undefined) return busy(profiler);
  return (await started('allocations', profiler)) ? text('OK\n') : text('failure to start the profiler', 500);
}

function heapDump(profiler: Profiler): AdminReply {
  if (profiler.active !== undefined) return busy(profiler);
  return download(profiler.heapDump(), 'mesh.heapsnapshot');
}

async function started(measurement: Measurement, profiler: Profiler): Promise<boolean> {
  try {
    await profiler.start(measurement);
    return true;
  } catch {
    return false;
  }
}

/** Undefined when the request does not say. */
function wanted({ query }: AdminRequest): boolean | undefined {
  const value = query.get('enable');
  return value === 'y' ? true : value === 'n' ? false : undefined;
}

function usage(): AdminReply {
  return text('?enable=<y|n>\n', 400);
}

function busy(profiler: Profiler): AdminReply {
  return text(`another profiler is running: ${profiler.active}\n`, 400);
}

function download(body: AdminReply['body'], name: string): AdminReply {
  return {
    status: 200,
    contentType: 'application/json',
    headers: { 'content-disposition': `attachment; filename=${name}` },
    body,
  };
}

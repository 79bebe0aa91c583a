/** `/ready`, `/server_info`, `/memory`, `/hot_restart_version`, `/quitquitquit` and the health-check switches. */
import { getHeapStatistics } from 'node:v8';
import type { AdminContext } from '../context.ts';
import { type AdminReply, type AdminRoute, json, text } from '../route.ts';

/** State of the process and its switches. */
export const serverRoutes: readonly AdminRoute[] = [
  {
    path: '/ready',
    help: 'print server state, return 200 if LIVE, otherwise return 503',
    handle(_request, context) {
      const { state } = context.serverInfo();
      return text(`${state}\n`, state === 'LIVE' ? 200 : 503);
    },
  },
  {
    path: '/server_info',
    help: 'print server version/status information',
    handle: (_request, context) => serverInfo(context),
  },
  {
    path: '/memory',
    help: 'print current allocation/heap usage',
    handle: (_request, context) => memory(context),
  },
  {
    path: '/hot_restart_version',
    help: 'print the hot restart compatibility version',
    handle: (_request, context) => text(context.serverInfo().hotRestartVersion ?? 'disabled'),
  },
  {
    path: '/quitquitquit',
    help: 'exit the server',
    mutates: true,
    handle: (_request, context) => ({ ...text('OK\n'), after: () => context.quit() }),
  },
  {
    path: '/healthcheck/fail',
    help: 'cause the server to fail health checks',
    mutates: true,
    handle(_request, context) {
      context.healthcheckFail();
      return text('OK\n');
    },
  },
  {
    path: '/healthcheck/ok',
    help: 'cause the server to pass health checks',
    mutates: true,
    handle(_request, context) {
      context.healthcheckOk();
      return text('OK\n');
    },
  },
];

function serverInfo(context: AdminContext): AdminReply {
  const info = context.serverInfo();
  return json({
    version: info.version,
    state: info.state,
    uptime_current_epoch: `${Math.floor(info.uptimeCurrentEpochS)}s`,
    uptime_all_epochs: `${Math.floor(info.uptimeAllEpochsS)}s`,
    hot_restart_version: info.hotRestartVersion ?? 'disabled',
    command_line_options: info.commandLineOptions,
    node: info.node,
    hot_restart_initializing: false,
  });
}

/** Envoy's fields with V8's nearest figures; 64-bit numbers are strings in protobuf's JSON. */
function memory(context: AdminContext): AdminReply {
  const usage = context.memory?.() ?? process.memoryUsage();
  const heap = getHeapStatistics();
  return json({
    allocated: String(usage.heapUsed + usage.external),
    heap_size: String(usage.heapTotal),
    pageheap_unmapped: '0',
    pageheap_free: String(heap.total_available_size),
    total_thread_cache: String(usage.arrayBuffers),
    total_physical_bytes: String(usage.rss),
  });
}

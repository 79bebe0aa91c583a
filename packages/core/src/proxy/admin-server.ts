/** The admin server of a proxy, from its config. */

import { accessLogs } from '../access-log-build.ts';
import { type AdminContext, AdminServer, type AdminServerOptions } from '../admin/index.ts';
import type { EntryLogs } from '../api/access-log.ts';
import type { ObserverContext } from '../api/observer.ts';
import type { AccessLogConfig } from '../config/access-log.ts';
import type { AdminConfig } from '../config/admin.ts';
import { MeshError } from '../errors.ts';
import { compileStringMatcher } from '../regex/text-match.ts';
import type { Registry } from '../registry.ts';
import type { Scope } from '../stats/index.ts';
import { adminSubject } from './admin-subject.ts';

/** What the admin server is made of besides its config. */
export interface AdminParts {
  readonly context: AdminContext;
  readonly observers: ObserverContext;
  readonly registry: Registry;
  readonly rootScope: Scope;
  onError(error: Error): void;
}

/** An admin server and its access logs. */
export interface BuiltAdmin {
  readonly server: AdminServer;
  readonly logs: EntryLogs | undefined;
}

const FILE_LOG = 'envoy.access_loggers.file';

/** @throws MeshError `CONFIG_INVALID` when an access log cannot be made. */
export function buildAdmin(config: AdminConfig, parts: AdminParts): BuiltAdmin {
  const { observers } = parts;
  const entries = [...config.accessLog, ...logAtPath(config.accessLogPath, parts.registry)];
  const logs = accessLogs(entries, observers);
  const allowed = config.allowPaths.map(compileStringMatcher);
  const options: AdminServerOptions = {
    onError: parts.onError,
    scope: parts.rootScope,
    profilePath: config.profilePath,
    ...(allowed.length > 0 && { allowsPath: (target: string) => allowed.some((test) => test(target)) }),
    ...(logs !== undefined && { onServed: (served) => logs.log(adminSubject(served, observers), 'DownstreamEnd') }),
  };
  return { server: new AdminServer(parts.context, options), logs };
}

/** Envoy's old way to ask for a log: a path. */
function logAtPath(path: string, registry: Registry): AccessLogConfig[] {
  if (path === '' || path === '/dev/null') return [];
  const definition = registry.find('access-log', { name: FILE_LOG });
  if (definition === undefined) {
    throw new MeshError('CONFIG_INVALID', `admin.access_log_path: the extension ${FILE_LOG} is not registered`);
  }
  const result = definition.config['~standard'].validate({ path });
  if (result instanceof Promise || result.issues !== undefined) {
    throw new MeshError('CONFIG_INVALID', 'admin.access_log_path: not a path of a log file');
  }
  return [{ name: FILE_LOG, config: result.value, definition } as unknown as AccessLogConfig];
}

/** The admin server's configuration. */
import type { z } from 'zod';
import { accessLogEntry } from './access-log.ts';
import { address, notAnIp, stringMatcher } from './common.ts';
import { message, withDefault } from './message.ts';
import { bool, list, string } from './proto-json.ts';

/** Envoy's `profile_path`; the endpoints that write there add what V8's tools expect a file name to end in. */
const PROFILE_PATH = '/var/log/envoy/envoy.prof';

/** Envoy `Admin`. Without an address there is no admin server. */
export const adminSchema = message(
  {
    address,
    access_log: list(accessLogEntry),
    /** A file log in Envoy's default format, besides those of `access_log`; '' and `/dev/null` are none. */
    access_log_path: withDefault(string(), ''),
    profile_path: withDefault(string(), PROFILE_PATH),
    allow_paths: list(stringMatcher),
    /** Connections of the admin server never count towards the limit. */
    ignore_global_conn_limit: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.bootstrap.v3.Admin',
    known: { socket_options: 'this socket option is not available in Node.js' },
    check(admin, report) {
      const message = notAnIp(admin.address?.socketAddress?.address);
      if (message !== undefined) report({ path: ['address', 'socket_address', 'address'], message });
    },
  },
);

/** The admin server. */
export type AdminConfig = z.output<typeof adminSchema>;

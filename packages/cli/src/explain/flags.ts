/** The flags of `mesh explain`. */
import { type Flag, used } from '../flags.ts';

export const EXPLAIN_FLAGS: readonly Flag[] = [
  used('config-path', 'text', 'FILE', 'configuration in YAML or JSON', 'c'),
  used('config-yaml', 'text', 'YAML', 'configuration text, merged over that of --config-path'),
  { ...used('header', 'text', "'K: V'", 'a header field; may be repeated', 'H'), repeated: true },
  used('json', 'none', '', 'print the answer as data'),
  used('listener', 'text', 'NAME', "the listener, where the URL's port does not say it"),
  used('source-ip', 'text', 'IP', 'address of the client; default 192.0.2.1'),
  used('tls', 'none', '', 'the client uses TLS, also when the URL begins with http:'),
  used('server-name', 'text', 'NAME', "the server name (SNI) that the client asks for; default the URL's host"),
  used('random', 'count', 'N', 'the draw for weights and fractions; default 0'),
  { ...used('runtime', 'text', 'KEY=VALUE', 'a runtime value; may be repeated'), repeated: true },
  used('help', 'none', '', 'print this and exit', 'h'),
];

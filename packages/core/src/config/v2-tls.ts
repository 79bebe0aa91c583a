/** The 2018 (v2) form of TLS, rewritten to the v3 form in place: `tls_context`, v2 types, `verify_subject_alt_name`. */
import { isMap, type RawMap, rawMap, type SourceMap } from './source-map.ts';
import { transportSocketNames } from './tls/transport-socket.ts';

const V3 = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.';

/** Rewrites the TLS of a filter chain (`DownstreamTlsContext`) or of a cluster (`UpstreamTlsContext`). */
export function upgradeTls(
  holder: RawMap,
  message: 'DownstreamTlsContext' | 'UpstreamTlsContext',
  sources: SourceMap,
): void {
  const old = key(holder, 'tls_context');
  if (isMap(holder[old]) && holder[key(holder, 'transport_socket')] === undefined) {
    const context = holder[old];
    context['@type'] ??= V3 + message;
    const socket = rawMap([
      ['name', transportSocketNames.tls],
      ['typed_config', context],
    ]);
    sources.copy(sources, holder, old, socket, 'typed_config');
    sources.copy(sources, holder, old, socket, 'name');
    sources.copy(sources, holder, old, holder, 'transport_socket');
    delete holder[old];
    holder.transport_socket = socket;
  }
  const socket = holder[key(holder, 'transport_socket')];
  if (isMap(socket)) upgradeSocket(socket, message, sources);
}

function upgradeSocket(socket: RawMap, message: string, sources: SourceMap): void {
  const typedKey = key(socket, 'typed_config');
  if (socket.name === 'tls') socket.name = transportSocketNames.tls;
  if (isMap(socket.config) && socket[typedKey] === undefined) {
    sources.copy(sources, socket, 'config', socket, 'typed_config');
    socket.typed_config = socket.config;
    delete socket.config;
    if (socket.name === transportSocketNames.tls && isMap(socket.typed_config)) {
      socket.typed_config['@type'] ??= V3 + message;
    }
  }
  const context = socket[key(socket, 'typed_config')];
  if (!isMap(context)) return;
  const type = context['@type'];
  if (typeof type === 'string') {
    context['@type'] = type.replace(
      /\/envoy\.api\.v2\.auth\.((?:Down|Up)streamTlsContext)$/,
      `/${V3.slice(V3.indexOf('/') + 1)}$1`,
    );
  }
  const common = context[key(context, 'common_tls_context')];
  const validation = isMap(common) ? common[key(common, 'validation_context')] : undefined;
  if (isMap(validation)) upgradeNames(validation, sources);
}

/** Whole names became matchers. */
function upgradeNames(validation: RawMap, sources: SourceMap): void {
  const from = key(validation, 'verify_subject_alt_name');
  const names = validation[from];
  if (!Array.isArray(names) || validation[key(validation, 'match_subject_alt_names')] !== undefined) return;
  const matchers = names.map((name, index) => {
    const matcher = rawMap([['exact', name]]);
    sources.copy(sources, names, index, matcher, 'exact');
    return matcher;
  });
  for (const index of names.keys()) sources.copy(sources, names, index, matchers, index);
  sources.copy(sources, validation, from, validation, 'match_subject_alt_names');
  delete validation[from];
  validation.match_subject_alt_names = matchers;
}

/** The spelling in which a field was written. */
function key(node: RawMap, field: string): string {
  return field in node ? field : field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Starts the one upstream that every proxy of a run forwards to. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, waitReady } from './ports.mjs';
import { firstLine, launch, makeWorkDir, which } from './processes.mjs';
import { render } from './render.mjs';
import { KIB16, MIB, TINY_BODY, UPLOAD_BODY } from './scenarios.mjs';
import { nginxUserLine } from './targets.mjs';

/**
 * @typedef {object} Upstream
 * @property {number} port HTTP/1.1, and TCP
 * @property {number} http2Port HTTP/2 without TLS; 0 when no scenario asks for it
 * @property {number} grpcPort 0 when no scenario asks for it
 * @property {{ cert: string, key: string, both: string } | undefined} certificate files, for proxies that end TLS
 * @property {string} description
 * @property {import('./processes.mjs').Launched[]} processes
 */

/** @param {import('./scenarios.mjs').Shape} shape @param {Upstream} upstream */
export function upstreamFor(shape, { port, http2Port, grpcPort }) {
  if (shape === 'h2-h2') return http2Port;
  return shape === 'grpc' ? grpcPort : port;
}

/**
 * nginx when it is installed, else (or on demand) `upstream.mjs`.
 * @param {'auto' | 'nginx' | 'node'} kind
 * @param {string | undefined} cpus
 * @param {ReadonlySet<import('./scenarios.mjs').Shape>} [shapes] what will be asked of it
 * @returns {Promise<Upstream>}
 */
export async function startUpstream(kind, cpus, shapes = new Set()) {
  const binary = process.env.NGINX_BIN ?? 'nginx';
  const useNginx = kind === 'nginx' || (kind === 'auto' && which(binary) !== undefined);
  const port = await freePort();
  const http2Port = await freePort();
  const command = useNginx ? nginxCommand(binary, port, http2Port) : nodeCommand(port);
  const process_ = launch(command, { cpus, label: 'upstream' });
  await waitReady(process_, port, '/tiny');
  const description = useNginx
    ? firstLine(binary, ['-v']).replace(/^.*version:\s*/, '')
    : `upstream.mjs, node ${process.version}`;
  const processes = [process_];
  const grpcPort = shapes.has('grpc') || (!useNginx && shapes.has('h2-h2')) ? await freePort() : 0;
  if (grpcPort > 0) processes.push(await startHttp2(grpcPort, cpus));
  const certificate = shapes.has('tls') || shapes.has('tls-h2') ? makeCertificate() : undefined;
  return { port, http2Port: useNginx ? http2Port : grpcPort, grpcPort, certificate, description, processes };
}

/** @param {number} port @param {string | undefined} cpus */
async function startHttp2(port, cpus) {
  const file = fileURLToPath(new URL('./upstream-http2.mjs', import.meta.url));
  const process_ = launch({ file: process.execPath, args: [file, String(port)] }, { cpus, label: 'upstream-http2' });
  await waitReady(process_, port, '/tiny', 'h2-h2');
  return process_;
}

/** A certificate for the length of a run; every proxy that ends TLS shows the same. */
export function makeCertificate() {
  const folder = makeWorkDir();
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const made = spawnSync(
    process.env.OPENSSL_BIN ?? 'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
    ].concat(['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-out', cert, '-keyout', key]),
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`no certificate could be made: ${made.error ?? made.stderr}`);
  // HAProxy wants both in one file.
  writeFileSync(join(folder, 'both.pem'), readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
  return { cert, key, both: join(folder, 'both.pem') };
}

/** @param {string} binary @param {number} port @param {number} http2Port @returns {import('./processes.mjs').Command} */
function nginxCommand(binary, port, http2Port) {
  const workDir = makeWorkDir();
  mkdirSync(join(workDir, 'bodies'));
  writeFileSync(join(workDir, 'bodies/16k'), 'x'.repeat(KIB16));
  writeFileSync(join(workDir, 'bodies/1m'), 'x'.repeat(MIB));
  const values = {
    listen_port: port,
    second_port: http2Port,
    work_dir: workDir,
    user_line: nginxUserLine(),
    tiny_body: TINY_BODY,
    upload_body: UPLOAD_BODY,
  };
  const config = render('nginx-upstream.conf', values, workDir);
  return { file: binary, args: ['-p', workDir, '-c', config] };
}

/** @param {number} port @returns {import('./processes.mjs').Command} */
function nodeCommand(port) {
  return { file: process.execPath, args: [fileURLToPath(new URL('./upstream.mjs', import.meta.url)), String(port)] };
}

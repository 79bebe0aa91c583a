/** Starts the one upstream that every proxy of a run forwards to. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, waitReady } from './ports.mjs';
import { firstLine, launch, makeWorkDir, which } from './processes.mjs';
import { render } from './render.mjs';
import { KIB16, MIB, TINY_BODY, UPLOAD_BODY } from './scenarios.mjs';
import { nginxUserLine } from './targets.mjs';

/**
 * nginx when it is installed, else (or on demand) `upstream.mjs`.
 * @param {'auto' | 'nginx' | 'node'} kind
 * @param {string | undefined} cpus
 * @returns {Promise<{ port: number, description: string, process: import('./processes.mjs').Launched }>}
 */
export async function startUpstream(kind, cpus) {
  const binary = process.env.NGINX_BIN ?? 'nginx';
  const useNginx = kind === 'nginx' || (kind === 'auto' && which(binary) !== undefined);
  const port = await freePort();
  const command = useNginx ? nginxCommand(binary, port) : nodeCommand(port);
  const process_ = launch(command, { cpus, label: 'upstream' });
  await waitReady(process_, port, '/tiny');
  const description = useNginx
    ? firstLine(binary, ['-v']).replace(/^.*version:\s*/, '')
    : `upstream.mjs, node ${process.version}`;
  return { port, description, process: process_ };
}

/** @param {string} binary @param {number} port @returns {import('./processes.mjs').Command} */
function nginxCommand(binary, port) {
  const workDir = makeWorkDir();
  mkdirSync(join(workDir, 'bodies'));
  writeFileSync(join(workDir, 'bodies/16k'), 'x'.repeat(KIB16));
  writeFileSync(join(workDir, 'bodies/1m'), 'x'.repeat(MIB));
  const values = {
    listen_port: port,
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

/** A host of a cluster scenario: it behaves as it was last told. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Conduct } from './scenario.ts';

/** A host that listens. */
export interface ScriptedHost {
  readonly port: number;
  conduct: Conduct;
  /** Requests that hang. */
  readonly hanging: number;
  /** Answers them. */
  release(): void;
  close(): void;
}

/** Starts one that answers 200. */
export async function startHost(): Promise<ScriptedHost> {
  const hanging = new Set<ServerResponse>();
  let conduct: Conduct = 200;
  const hang = (response: ServerResponse) => {
    hanging.add(response);
    response.on('close', () => hanging.delete(response));
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    // Active checks pass, whatever else the host does, but for those that are told to look at that.
    if (request.headers['user-agent'] === 'Envoy/HC' && request.url !== '/as-told') response.writeHead(200).end();
    else if (conduct === 'reset') request.socket.resetAndDestroy();
    else if (conduct === 'hang') hang(response);
    else if (conduct === 'first-500-then-hang') {
      if (request.headers['x-envoy-attempt-count'] === '1') response.writeHead(500).end();
      else hang(response);
    } else if (typeof conduct === 'number') response.writeHead(conduct).end();
    else response.writeHead(200, conduct).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get conduct() {
      return conduct;
    },
    set conduct(next) {
      conduct = next;
    },
    get hanging() {
      return hanging.size;
    },
    release() {
      for (const response of hanging) response.writeHead(200).end();
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Requests as curl would make them. */
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';

const CERTIFICATE = new URL('certs/self-signed.crt', import.meta.url);

/** One answer, as curl prints it. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly version: string;
}

async function get(url: string): Promise<Answer> {
  if (url.startsWith('https:')) return getHttp2(url);
  const response = await fetch(url);
  return { status: response.status, headers: [...response.headers], body: await response.text(), version: 'HTTP/1.1' };
}

/** The certificate is its own authority, and this client knows it. */
function getHttp2(url: string): Promise<Answer> {
  const { origin, pathname } = new URL(url);
  const session = http2.connect(origin, { ca: readFileSync(CERTIFICATE) });
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': pathname });
    let head: http2.IncomingHttpHeaders = {};
    let body = '';
    session.on('error', reject);
    stream.on('error', reject);
    stream.on('response', (headers) => {
      head = headers;
    });
    stream.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    stream.on('end', () => {
      session.close();
      const { ':status': status, ...fields } = head;
      const headers = Object.entries(fields).map(([name, value]) => [name, String(value)] as const);
      resolve({ status: Number(status), headers, body, version: 'HTTP/2' });
    });
  });
}

/** Makes one request, prints it as curl would be called, and says whether the answer is right. */
export async function show(url: string, expected: (answer: Answer) => boolean): Promise<boolean> {
  const answer = await get(url);
  const right = expected(answer);
  console.log(`$ curl -i${url.startsWith('https') ? 'k' : ''} '${url}'\n${answer.version} ${answer.status}`);
  for (const [name, value] of answer.headers) console.log(`${name}: ${value}`);
  const body = answer.body.split('\n').slice(0, 12).join('\n').trimEnd();
  console.log(`\n${body}${right ? '' : '\n^^^ NOT WHAT WAS EXPECTED'}\n`);
  return right;
}

/** Judges one run of a request case, and whether its three runs agree. */
import type { RequestCase } from './cases.ts';
import { type Message, status, valuesOf } from './messages.ts';
import { mustSeeProblems } from './must-see.ts';
import { awaitsBody, mustClose, pathOf, type RequestOutcome } from './request-run.ts';

/** Everything that is wrong with one run; empty when all is well. */
export function requestProblems(c: RequestCase, outcome: RequestOutcome): string[] {
  if (speaksHttp2(c, outcome)) return outcome.okServed ? [] : ['the next GET /ok was not served'];
  return [...universalProblems(c, outcome), ...expectationProblems(c, outcome), ...clientProblems(c, outcome)];
}

/** The preface of HTTP/2 may be taken at its word: what comes back is a SETTINGS frame then, and no HTTP/1. */
function speaksHttp2(c: RequestCase, { received, bytes }: RequestOutcome): boolean {
  return c.raw.startsWith('PRI * HTTP/2.0') && received.text.startsWith('\x04\0\0\0\0\0', 3) && bytes === 0;
}

/** Rules of every case, whatever it expects. */
function universalProblems(c: RequestCase, outcome: RequestOutcome): string[] {
  const problems = outcome.violations.map((violation) => `upstream output: ${violation}`);
  if (outcome.received.violation !== undefined) problems.push(`client output: ${outcome.received.violation}`);
  if (outcome.halfRequestLeft) problems.push('half a request was left on an open upstream connection');
  if (!outcome.okServed) problems.push('the next GET /ok was not served');
  for (const path of c.must_not_reach ?? []) {
    if (outcome.requests.some((request) => pathOf(request) === path)) problems.push(`${path} reached the upstream`);
  }
  return problems;
}

function expectationProblems(c: RequestCase, outcome: RequestOutcome): string[] {
  switch (c.expect) {
    case 'forward':
      return forwardProblems(c, outcome);
    case 'reject':
      return rejectProblems(c, outcome);
    case 'close':
      return closeProblems(c, outcome);
    default:
      return refused(c, outcome) || outcome.requests.length === 0
        ? eitherUnforwardedProblems(c, outcome)
        : mustSeeProblems(c.upstream_must_see ?? {}, outcome.requests);
  }
}

function forwardProblems(c: RequestCase, outcome: RequestOutcome): string[] {
  const wanted = c.upstream_requests ?? 1;
  const problems = mustSeeProblems(c.upstream_must_see ?? {}, outcome.requests);
  if (outcome.requests.length !== wanted) problems.push(`${outcome.requests.length} requests upstream, not ${wanted}`);
  if (outcome.responses.length !== wanted) problems.push(`${outcome.responses.length} responses, not ${wanted}`);
  const bad = outcome.responses.find((response) => status(response) !== Number(c.upstream_reply ?? 200));
  if (bad !== undefined) problems.push(`response ${bad.startLine}`);
  return problems;
}

/** The last response refuses; what came before it in a pipeline was served. */
function rejectProblems(c: RequestCase, outcome: RequestOutcome): string[] {
  const problems: string[] = [];
  const served = c.upstream_requests ?? 0;
  const last = outcome.responses.at(-1);
  const bare = c.status_or_close === true && last === undefined;
  if (!bare && !refused(c, outcome)) problems.push(`answered ${last?.startLine ?? 'nothing'}`);
  if (mustClose(c) && !outcome.received.closed) problems.push('the connection stayed open');
  if (outcome.requests.length !== served) problems.push(`${outcome.requests.length} requests upstream, not ${served}`);
  if (served > 0) problems.push(...mustSeeProblems(c.upstream_must_see ?? {}, outcome.requests));
  else if (outcome.bytes > 0 && !faultInBody(c)) problems.push(`${outcome.bytes} bytes went upstream`);
  return problems;
}

/** The head is sound, so it may be upstream before the fault is there to be seen. */
function faultInBody(c: RequestCase): boolean {
  return (
    c.upstream_complete === false || /^[^\n]*\r\n(?:[!-~]+: [ -~]*\r\n)*Transfer-Encoding: chunked\r\n\r\n/.test(c.raw)
  );
}

function closeProblems(c: RequestCase, outcome: RequestOutcome): string[] {
  const problems: string[] = [];
  if (!outcome.received.closed) problems.push('the connection stayed open');
  if (outcome.requests.length > 0) problems.push('a complete request reached the upstream');
  if (c.upstream_requests === 0 && outcome.bytes > 0) problems.push(`${outcome.bytes} bytes went upstream`);
  if (outcome.responses.length > 0 && !refused(c, outcome))
    problems.push(`answered ${outcome.responses[0]?.startLine}`);
  return problems;
}

function eitherUnforwardedProblems(c: RequestCase, outcome: RequestOutcome): string[] {
  if (refused(c, outcome) || (outcome.received.closed && c.status_or_close)) return [];
  // Forwarded, and answered by the upstream before the body was there.
  if (c.upstream_reply !== undefined && outcome.responses.some((r) => status(r) === Number(c.upstream_reply)))
    return [];
  // Nothing answered and nothing whole upstream: a declared body that is still awaited.
  if (outcome.responses.length === 0 && !outcome.received.closed && awaitsBody(c)) return [];
  return [`neither refused nor forwarded: ${outcome.responses.map((response) => response.startLine).join(', ')}`];
}

function refused(c: RequestCase, outcome: RequestOutcome): boolean {
  const last = outcome.responses.at(-1);
  return last !== undefined && (c.status ?? []).includes(status(last));
}

function clientProblems(c: RequestCase, outcome: RequestOutcome): string[] {
  const wanted = c.client_must_see ?? {};
  const { responses, received } = outcome;
  const [first] = responses;
  const problems: string[] = [];
  if (wanted.responses !== undefined && responses.length !== wanted.responses) {
    problems.push(`${responses.length} responses, not ${wanted.responses}`);
  }
  if (wanted.first_status !== undefined && (first === undefined || status(first) !== wanted.first_status)) {
    problems.push(`first response ${first?.startLine}`);
  }
  if (wanted.connection_closed && !received.closed) problems.push('the connection stayed open');
  if (wanted.location !== undefined) problems.push(...locationProblems(first, wanted.location));
  for (const name of wanted.headers_absent ?? []) {
    if (responses.some((response) => valuesOf(response, name).length > 0)) problems.push(`client sees ${name}`);
  }
  return problems;
}

function locationProblems(first: Message | undefined, wanted: string): string[] {
  const location = first === undefined ? undefined : valuesOf(first, 'location')[0];
  const path = location?.replace(/^https?:\/\/[^/]*/, '');
  return path === wanted ? [] : [`location ${location}`];
}

/**
 * What must be the same however the case is cut: the answers, and the requests that arrived whole. An upstream that
 * answers before the body is there makes the latter a race.
 */
export function requestFingerprint(c: RequestCase, outcome: RequestOutcome): string {
  const whole = c.upstream_reply === undefined ? outcome.requests : [];
  const requests = whole.map((request) => ({
    head: request.head.replace(/^(x-request-id: ).*$/im, '$1(masked)'),
    body: request.body,
    trailers: request.trailers,
  }));
  return JSON.stringify({ answers: outcome.responses.map((response) => response.startLine), requests });
}

/** Judges one run of a response case. */
import type { ResponseCase } from './cases.ts';
import { isFinal, type Message, status, valuesOf } from './messages.ts';
import { fallsSilent, type ResponseOutcome, SILENCE_TIMEOUT_MS } from './response-run.ts';

/** The final response, whole or not; `undefined` when none came. */
function finalResponse(outcome: ResponseOutcome): Message | undefined {
  return outcome.received.messages.find(isFinal);
}

/** Everything that is wrong with one run; empty when all is well. */
export function responseProblems(c: ResponseCase, outcome: ResponseOutcome): string[] {
  const problems = outcome.violations.map((violation) => `upstream output: ${violation}`);
  if (outcome.received.violation !== undefined) problems.push(`client output: ${outcome.received.violation}`);
  const response = finalResponse(outcome);
  if (response === undefined) problems.push(...unansweredProblems(c, outcome));
  else problems.push(...answerProblems(c, response, outcome));
  for (const text of c.client_must_see ?? []) {
    if (!outcome.received.text.includes(text)) problems.push(`the client does not see ${JSON.stringify(text)}`);
  }
  for (const text of c.client_must_not_see ?? []) {
    const all = outcome.received.text + outcome.followUpReceived.text;
    if (all.includes(text)) problems.push(`a client sees ${JSON.stringify(text)}`);
  }
  return [...problems, ...followUpProblems(c, outcome)];
}

/** A connection that ends without any answer is as good a sign of a cut response as any. */
function unansweredProblems(c: ResponseCase, outcome: ResponseOutcome): string[] {
  return c.client_truncated && outcome.received.closed ? [] : ['no response'];
}

function answerProblems(c: ResponseCase, response: Message, outcome: ResponseOutcome): string[] {
  const problems: string[] = [];
  const code = status(response);
  if (!c.status.includes(code)) problems.push(`status ${code}, not ${c.status.join(' or ')}`);
  const own = code >= 500 && !c.raw.startsWith(`HTTP/1.1 ${code}`);
  if (!response.complete && !(mayBeCut(c) && outcome.received.closed)) problems.push('the response does not end');
  if (fallsSilent(c)) problems.push(...timeoutProblems(outcome));
  if (own) return problems;
  if (c.client_truncated && response.complete) problems.push('a cut response looks whole');
  return [...problems, ...contentProblems(c, response)];
}

/** What is refused only when its head is out already can but be cut. */
function mayBeCut(c: ResponseCase): boolean {
  return c.client_truncated === true || (c.expect === 'either' && c.client_body === undefined);
}

function contentProblems(c: ResponseCase, response: Message): string[] {
  const problems: string[] = [];
  if (c.client_body !== undefined && response.body !== c.client_body) {
    problems.push(`body ${JSON.stringify(response.body.slice(0, 100))}`);
  }
  for (const [name, value] of Object.entries(c.client_headers ?? {})) {
    if (valuesOf(response, name).join(', ') !== value) problems.push(`${name}: ${valuesOf(response, name).join(', ')}`);
  }
  for (const [name, values] of Object.entries(c.client_header_lines ?? {})) {
    if (JSON.stringify(valuesOf(response, name)) !== JSON.stringify(values)) problems.push(`lines of ${name} differ`);
  }
  for (const name of c.client_headers_absent ?? []) {
    const trailer = response.trailers.some(([field]) => field === name);
    if (trailer || valuesOf(response, name).length > 0) problems.push(`the client sees ${name}`);
  }
  for (const name of c.client_single ?? []) {
    if (valuesOf(response, name).length > 1) problems.push(`${name} comes twice`);
  }
  return problems;
}

/** Never before the time, and within 10 percent (and what a busy machine adds) after it. */
function timeoutProblems(outcome: ResponseOutcome): string[] {
  const { elapsedMs } = outcome;
  const good = elapsedMs >= SILENCE_TIMEOUT_MS && elapsedMs <= SILENCE_TIMEOUT_MS * 1.1 + 500;
  return good ? [] : [`answered after ${Math.round(elapsedMs)} ms`];
}

function followUpProblems(c: ResponseCase, outcome: ResponseOutcome): string[] {
  const problems: string[] = [];
  const [answer] = outcome.followUpReceived.messages;
  if (answer === undefined || status(answer) !== (c.next_status ?? 200) || answer.body !== 'ok') {
    problems.push(`the next request got ${answer?.startLine ?? 'no answer'}`);
  }
  if (c.reuse_upstream_connection === null || outcome.first === undefined) return problems;
  const reused = outcome.first === outcome.followUp;
  // An early answer taints the connection only while the declared body is missing.
  if (reused && c.reply_before_body && outcome.requestWhole) return problems;
  if (reused !== c.reuse_upstream_connection) problems.push(`upstream connection reused: ${reused}`);
  return problems;
}

/** What must be the same however the response is cut. A cut body may be passed on up to any point. */
export function responseFingerprint(c: ResponseCase, outcome: ResponseOutcome): string {
  const response = finalResponse(outcome);
  if (mayBeCut(c) && response?.complete !== true) return 'cut';
  return JSON.stringify([response?.startLine, response?.body, response?.trailers]);
}

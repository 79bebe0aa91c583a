/** Where and why a text is not JSON: the engine's own words, and the place that it does not always tell. */

/** The first thing wrong with a text. */
export interface JsonProblem {
  readonly offset: number;
  readonly message: string;
}

/** Undefined when `text` is strict JSON. */
export function jsonProblem(text: string): JsonProblem | undefined {
  const message = parseError(text);
  if (message === undefined) return undefined;
  const offset = /position (\d+)/.exec(message)?.[1];
  if (offset !== undefined)
    return { offset: Number(offset), message: message.replace(/ (?:in JSON )?at position .*$/s, '') };
  if (!isBadToken(message)) return { offset: text.length, message };
  const at = badTokenOffset(text);
  return { offset: at, message: `unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))}` };
}

function parseError(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** This error quotes the text around it, line breaks and all, but not its position. */
function isBadToken(message: string | undefined): boolean {
  return message?.startsWith('Unexpected token') ?? false;
}

/** The shortest beginning that fails in this way ends with the token; shorter ones are merely incomplete. */
function badTokenOffset(text: string): number {
  let good = 0;
  let bad = text.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isBadToken(parseError(text.slice(0, middle)))) bad = middle;
    else good = middle;
  }
  return good;
}

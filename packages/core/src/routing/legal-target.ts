/** Percent-encoding of what may not stand in a request line or in `location`. */

/**
 * Encodes spaces, control characters and characters beyond one byte, so that no path, host or setting can split a
 * message. What is already percent-encoded stays as it is; legal text is returned itself.
 */
export function legalTarget(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (!isLegal(text.charCodeAt(i))) return encodeIllegal(text);
  }
  return text;
}

function isLegal(code: number): boolean {
  return code > 32 && code !== 127 && code <= 255;
}

function encodeIllegal(text: string): string {
  return Array.from(text, (character) => {
    if (isLegal(character.codePointAt(0) as number)) return character;
    return Buffer.from(character, 'utf8').toString('hex').toUpperCase().replace(/../g, '%$&');
  }).join('');
}

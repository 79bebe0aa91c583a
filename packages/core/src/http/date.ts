/** The Date field, made once a second. */

let second = -1;
let text = '';

/** IMF-fixdate (RFC 9110 5.6.7) of a Unix time in milliseconds. */
export function httpDate(wallMs: number): string {
  const now = Math.floor(wallMs / 1000);
  if (now !== second) {
    second = now;
    text = new Date(wallMs).toUTCString();
  }
  return text;
}

/** Extensions whose methods answer nothing by contract, and may yet be `async`. */

/** Tells of the rejection of what may be a promise: one that nobody looks at would end the process. */
export function onRejection(answer: unknown, failed: (error: unknown) => void): void {
  if (answer instanceof Promise) answer.catch(failed);
}

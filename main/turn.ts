/**
 * The main thread's long work is cut into pieces, and one turn of its loop has one piece, whosever it is: health, the pool of checks
 * and the IPVS table at once would be three times as long away from adverts.
 */
const waiting: (() => void)[] = [];

/** Resolves in a later turn of the loop, of which the caller has the piece; in the order of asking. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(callNext);
  });
}

function callNext(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(callNext);
}

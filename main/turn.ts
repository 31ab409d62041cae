/**
 * The main thread's long work is cut into pieces, and one turn of its loop has one piece, whosever it is: health, the pool of checks
 * and the IPVS table at once would be three times as long away from adverts.
 */
const waiting: (() => void)[] = [];

/** What a piece may take. A look at the clock is a system call in some virtual machines. */
interface Piece {
  readonly ms: number;
  readonly stepsPerLook: number;
}

/** With what else is in a turn, and a collection of garbage, it is to stay below 5 ms: adverts wait. */
const usual: Piece = { ms: 0.4, stepsPerLook: 1 };
const larger = {
  /** Without virtual routers, where nobody waits but the start itself. */
  alone: { ms: 10, stepsPerLook: 32 },
  /** While virtual routers start: the first of them send already. */
  "beside adverts": { ms: 2, stepsPerLook: 1 },
} satisfies Record<string, Piece>;
let piece: Piece = usual;

export const pieceOfTurn = (): Piece => piece;

/** Larger pieces until it is disposed of: for a start. */
export function hurry(how: keyof typeof larger = "alone"): Disposable {
  piece = larger[how];
  return {
    [Symbol.dispose]: () => {
      piece = usual;
    },
  };
}

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

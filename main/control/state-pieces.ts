import { fstatSync, ftruncateSync } from "node:fs";
import { mapShared } from "../../native-bindings/process.js";

/** Of the launcher's state memfd (PROTOCOL.md): a piece is as large as the launcher makes it. */
export const STATE_FD = 4;
export const PIECE_BYTES = 8 * 1024 * 1024;
/** Two million records. Pages that are not used are not there, but a mistake must not take all of the host's memory. */
const MOST_PIECES = 16;

/** The state memfd, piece by piece. Without a launcher nothing outlives the process. */
export class PiecesOfState {
  readonly #fd: number | undefined;
  readonly #mapped: Buffer[];

  constructor(hasLauncher: boolean, fd = STATE_FD) {
    this.#fd = hasLauncher ? fd : undefined;
    const there = hasLauncher ? Math.max(1, Math.floor(fstatSync(fd).size / PIECE_BYTES)) : 1;
    this.#mapped = Array.from({ length: there }, (_, n) => this.#map(n));
  }

  get mapped(): readonly Buffer[] {
    return this.#mapped;
  }

  /** @throws Error: there may be no more, or the launcher is one of a version whose memory does not grow */
  more(): Buffer {
    const n = this.#mapped.length;
    if (n === MOST_PIECES) throw new Error(`it has ${(n * PIECE_BYTES) / 2 ** 20} MiB, and gets no more`);
    if (this.#fd !== undefined) ftruncateSync(this.#fd, (n + 1) * PIECE_BYTES);
    const piece = this.#map(n);
    this.#mapped.push(piece);
    return piece;
  }

  #map(n: number): Buffer {
    return this.#fd === undefined ? Buffer.alloc(PIECE_BYTES) : mapShared(this.#fd, PIECE_BYTES, n * PIECE_BYTES);
  }
}

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { errnoName } from "../errors.js";

/** How long a full pipe is waited for. The log thread may wait; a reader that is gone must not stop it. */
const PATIENCE_MS = 200;
/** Text gathered before it is written out early. */
const BATCH_CHARS = 64 * 1024;
const LF = 0x0a;

const sleepWord = new Int32Array(new SharedArrayBuffer(4));
/** Blocks the calling thread: for threads without an event loop of their own to serve. */
export const pause = (milliseconds: number): void => void Atomics.wait(sleepWord, 0, 0, milliseconds);

/** Gathers lines and writes them with few system calls. For the log thread: it may block for a bounded time. */
export class LineWriter implements Disposable {
  readonly #fd: number;
  readonly #owned: boolean;
  #batch: string[] = [];
  #chars = 0;
  #lost = 0;
  #unfinished: Buffer = Buffer.alloc(0);
  #patienceMs = PATIENCE_MS;

  constructor(fd: number, owned: boolean) {
    this.#fd = fd;
    this.#owned = owned;
  }

  /** Appends to a file, made with mode 0666 less the umask. @throws system error (ELOOP for a symbolic link) */
  static open(path: string): LineWriter {
    const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NOCTTY } = constants;
    return new LineWriter(openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY, 0o666), true);
  }

  /**
   * Stdout or stderr. Pipes and terminals are opened anew, non-blocking, because the flag of the inherited
   * description is shared with other programs, and a thread that hangs in write(2) would keep the process from ending.
   */
  static inherit(fd: 1 | 2): LineWriter {
    const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants;
    try {
      return new LineWriter(openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY), true);
    } catch {
      return new LineWriter(fd, false); // a socket (journald's stderr) or a file we may not open again
    }
  }

  /** Lines that could not be written. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    this.#batch.push(line);
    this.#chars += line.length;
    if (this.#chars >= BATCH_CHARS) this.flush();
  }

  flush(): void {
    if (this.#batch.length === 0 && this.#unfinished.length === 0) return;
    const bytes = Buffer.concat([this.#unfinished, Buffer.from(this.#batch.join(""))]);
    this.#batch = [];
    this.#chars = 0;
    const done = this.#writeUpTo(bytes);
    // A line that is half out is finished first next time; the lines after it are gone.
    const midLine = done === 0 ? this.#unfinished.length > 0 : bytes[done - 1] !== LF;
    const end = midLine ? bytes.indexOf(LF, done) + 1 : done;
    this.#unfinished = bytes.subarray(done, end);
    this.#lost += countLines(bytes.subarray(end));
  }

  [Symbol.dispose](): void {
    this.flush();
    if (this.#owned) closeSync(this.#fd);
  }

  /** @returns how many bytes are out */
  #writeUpTo(bytes: Buffer): number {
    const deadline = performance.now() + this.#patienceMs;
    let done = 0;
    while (done < bytes.length) {
      try {
        done += writeSync(this.#fd, bytes, done);
      } catch (error) {
        if (errnoName(error) !== "EAGAIN" || performance.now() >= deadline) break;
        pause(2);
      }
    }
    // Once is enough: until the reader moves again, nothing waits for it.
    this.#patienceMs = done > 0 ? PATIENCE_MS : 0;
    return done;
  }
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}

/** A change of state; or what repeats itself as often as others send adverts or scripts change priorities. */
export type LineKind = "state" | "chatter";

/** Lines beyond what the pipe itself holds (64 KiB): a farm that falls as a whole while the reader is busy, in some 10 MB. */
const MOST_LINES = 100_000;
/** Chatter that waits; more of it would only push out states. */
const MOST_CHATTER = 1000;
/** POSIX: writes up to this size go into a pipe whole or not at all. Linux: limits.h PIPE_BUF. */
const PIPE_BUF = 4096;

/**
 * Lines that wait for a pipe, in order and bounded. When it is full the oldest line is lost: the newest state counts most.
 * Every line that is lost is counted.
 */
export class FifoBacklog {
  #lines: string[] = [];
  /** Lines before it are gone; the array is cut now and then, not at every line. */
  #head = 0;
  #chatter = 0;
  #lost = 0;

  get waiting(): number {
    return this.#lines.length - this.#head;
  }

  /** Since the start. */
  get lost(): number {
    return this.#lost;
  }

  push(line: string, kind: LineKind): void {
    if (this.waiting === 0) this.#chatter = 0;
    if (kind === "chatter" && this.#chatter >= MOST_CHATTER) {
      this.#lost += 1;
      return;
    }
    if (kind === "chatter") this.#chatter += 1;
    this.#lines.push(line);
    if (this.waiting <= MOST_LINES) return;
    this.#lost += 1;
    this.#drop(1);
  }

  /** The oldest lines that fit one write which is whole or nothing; at least one. Empty: nothing waits. */
  take(): string {
    let end = this.#head;
    let octets = 0;
    for (; end < this.#lines.length; end += 1) {
      octets += Buffer.byteLength(this.#lines[end] ?? "");
      if (octets > PIPE_BUF && end > this.#head) break;
    }
    const text = this.#lines.slice(this.#head, end).join("");
    this.#drop(end - this.#head);
    return text;
  }

  #drop(count: number): void {
    this.#head += count;
    if (this.#head < 1024 && this.#head < this.#lines.length) return;
    this.#lines = this.#lines.slice(this.#head);
    this.#head = 0;
  }
}

import { dirname } from "node:path/posix";

/** Whether the disk of `path` says something within so many milliseconds. */
export type AskDisk = (path: string, milliseconds: number) => boolean;

/** The first one may have to wake up. */
const FIRST_MS = 2000;
const LATER_MS = 1000;
/** All together: adverts or whoever started the daemon wait meanwhile, or a reload does. */
const MOST_LOST = 3;

/**
 * Looks at disks that may be gone, for a few seconds altogether: of one that does not answer nothing more is asked, nor of any after the
 * third. One per load.
 */
export class Patience {
  readonly #ask: AskDisk;
  readonly #known = new Map<string, boolean>();
  readonly #lost = new Set<string>();

  constructor(ask: AskDisk) {
    this.#ask = ask;
  }

  readonly answers = (path: string): boolean => {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const folder = dirname(path);
    const answers = this.#mayBeAsked(path, folder) && this.#ask(path, this.#lost.size === 0 ? FIRST_MS : LATER_MS);
    if (!answers) this.#lost.add(folder);
    this.#known.set(path, answers);
    return answers;
  };

  #mayBeAsked(path: string, folder: string): boolean {
    return this.#lost.size < MOST_LOST && !this.#lost.has(folder) && !this.#lost.has(path);
  }
}

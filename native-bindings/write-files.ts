import { native } from "./load.js";

interface Native {
  readonly writeFiles: (
    paths: readonly string[],
    texts: readonly string[],
    done: (errnos: readonly number[]) => void,
  ) => void;
}

/**
 * Writes short texts into files that are there, in order, as one task beside the calling thread.
 * @returns 0 or a positive errno for each
 */
export const writeFiles = (paths: readonly string[], texts: readonly string[]): Promise<readonly number[]> =>
  new Promise((resolve) => (native as Native).writeFiles(paths, texts, resolve));

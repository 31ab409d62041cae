import { native } from "./load.js";

interface Native {
  readonly makeFifo: (path: string, mode: number, done: (errno: number) => void) => void;
}

/** mkfifo(3) beside the calling thread; the umask of the process applies. @returns 0 or a positive errno */
export const makeFifo = (path: string, mode: number): Promise<number> =>
  new Promise((resolve) => (native as Native).makeFifo(path, mode, resolve));

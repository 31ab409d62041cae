import { exitWithin } from "../../native-bindings/process.js";
import { ms } from "../units.js";

/** Threads that can end do so at once. */
const THREADS_END = ms(2000);

/** Ends the process although a thread of it hangs in native code: `process.exit` joins all threads first, and would not return. */
export function killThisProcess(): void {
  process.kill(process.pid, "SIGKILL");
}

/** For the `process.exit` that follows: when it has not returned by then, because a thread waits for a disk, the process ends with `code`. */
export function limitExit(code: number, within = THREADS_END): void {
  exitWithin(within, code);
}

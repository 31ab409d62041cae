import { readdirSync } from "node:fs";

/**
 * Threads that were there before the first line of ours, by id: V8's helpers, libuv's pool, and others of Node's own. None of them works
 * for itself. Read where nothing of ours has started a thread yet: cli.ts imports this first.
 */
export const runtimeThreads: readonly number[] = tasks().filter((id) => id !== process.pid);

function tasks(): readonly number[] {
  try {
    return readdirSync("/proc/self/task").map(Number);
  } catch {
    return []; // no /proc
  }
}

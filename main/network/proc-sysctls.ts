import { readFile } from "node:fs/promises";
import { getSystemErrorName } from "node:util";
import { writeFiles } from "../../native-bindings/write-files.js";
import type { Sysctls } from "./link-settings.js";

interface Waiting {
  readonly path: string;
  readonly value: string;
  readonly resolve: (error: string | undefined) => void;
}

let waiting: Waiting[] = [];

/** Below /proc/sys/net. What is written in one turn of the loop goes together: a task for each of a thousand links takes seconds. */
export const procSysctls: Sysctls = {
  read: (path) =>
    readFile(pathOf(path), "latin1").then(
      (text) => text.trim(),
      () => undefined,
    ),
  write: (path, value) =>
    new Promise((resolve) => {
      if (waiting.push({ path, value, resolve }) === 1) setImmediate(writeWaiting);
    }),
};

const pathOf = (path: string): string => `/proc/sys/net/${path}`;

async function writeWaiting(): Promise<void> {
  const orders = waiting;
  waiting = [];
  const errnos = await writeFiles(
    orders.map(({ path }) => pathOf(path)),
    orders.map(({ value }) => value),
  );
  for (const [i, { resolve }] of orders.entries()) {
    const errno = errnos[i] ?? 0;
    resolve(errno === 0 ? undefined : getSystemErrorName(-errno));
  }
}

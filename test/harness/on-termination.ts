/** What must not outlive this process; in the order in which it was made. */
const cleanups = new Set<() => Promise<void>>();
const signals = { SIGINT: 130, SIGTERM: 143 } as const;
let listening = false;

/**
 * Runs `cleanup` when the process is asked to end (time limit of a test layer, Ctrl-C), last made first. A program that
 * listens to these signals itself is in charge of its own end: nothing is done then. Disposing takes the cleanup back.
 */
export function onTermination(cleanup: () => Promise<void>): Disposable {
  listen();
  cleanups.add(cleanup);
  return { [Symbol.dispose]: () => void cleanups.delete(cleanup) };
}

function listen(): void {
  if (listening) return;
  listening = true;
  for (const [name, code] of Object.entries(signals)) {
    process.on(name, () => {
      if (process.listenerCount(name) === 1) void cleanUp().finally(() => process.exit(code));
    });
  }
}

async function cleanUp(): Promise<void> {
  for (const cleanup of [...cleanups].reverse()) {
    await cleanup().catch((error: unknown) => console.error(error));
  }
}

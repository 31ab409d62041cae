import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { compiled } from "../../test/harness/project.js";
import { guestResults, runInUml } from "../../test/harness/uml.js";

/** A file in the shared folder that asks the guest to come to an end: a signal does not cross into another kernel. */
const STOP_FILE = "stop";
const STAY_MS = 24 * 3_600_000;
const PLAY_MS = 240_000;
const POLL_MS = 200;

export interface UmlPlay {
  readonly stay: boolean;
  readonly live: boolean;
  readonly signal: AbortSignal;
}

/** Runs the demo once more inside a User Mode Linux kernel and passes on what it shows. @returns its exit code */
export async function playInUml({ stay, live, signal }: UmlPlay): Promise<number> {
  const resultsDir = await mkdtemp(path.join(tmpdir(), "holdfast-demo-"));
  const stop = (): void => void writeFile(path.join(resultsDir, STOP_FILE), "");
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { exitCode, timedOut, output } = await runInUml({
      argv: [process.execPath, compiled("examples/demo/demo.ts"), "--inside", ...(stay ? ["--stay"] : [])],
      resultsDir,
      timeoutMs: stay ? STAY_MS : PLAY_MS,
      env: {
        HOLDFAST_DEMO_LIVE: live ? "1" : "0",
        HOLDFAST_DEMO_SIZE: `${process.stdout.columns ?? 80}x${process.stdout.rows ?? 24}`,
      },
      onOutput: (text) => process.stdout.write(text),
    });
    if (exitCode === undefined)
      console.error(timedOut ? "the demo took too long" : `the kernel stopped early:\n${output}`);
    return exitCode ?? 1;
  } finally {
    signal.removeEventListener("abort", stop);
    await rm(resultsDir, { recursive: true });
  }
}

/** Inside the guest: aborts when the outside asks for it. */
export function stopRequest(): AbortSignal {
  const controller = new AbortController();
  const timer = setInterval(() => {
    if (!existsSync(path.join(guestResults, STOP_FILE))) return;
    clearInterval(timer);
    controller.abort();
  }, POLL_MS);
  timer.unref();
  return controller.signal;
}

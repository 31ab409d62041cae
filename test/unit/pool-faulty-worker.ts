import { openSync } from "node:fs";
import { ms } from "../../main/units.js";
import { encodeEdges } from "../../workers/edges.js";
import type { CheckSpec, FromWorker, ShardTask, ToWorker } from "../../workers/protocol.js";

/**
 * A shard for tests of the pool. A check whose identity names a fault is reported DOWN; the fault happens when the next check,
 * the trigger, is assigned. Told of a check with a known state (by whoever replaced the thread), it reports that state as an
 * attempt and behaves.
 */
export default function faultyShard({ port, options }: ShardTask): Promise<void> {
  const post = (message: FromWorker): void => port.postMessage(message);
  const beat = (): void =>
    post({ kind: "heartbeat", running: 0, completed: 0, waiting: { checks: 0, longest: ms(0) } });
  const heartbeat = setInterval(beat, options.heartbeat);
  beat();
  return new Promise((resolve, reject) => {
    port.on("message", (message: ToWorker) => {
      if (message.kind === "assign") for (const spec of message.checks) take(spec, post, reject);
      if (message.kind !== "drain" || stubborn) return;
      clearInterval(heartbeat);
      port.close();
      resolve();
    });
  });
}

let stubborn = false;
let armed: string | undefined;

function take(
  { id, identity, known }: CheckSpec,
  post: (message: FromWorker) => void,
  reject: (why: Error) => void,
): void {
  if (known === undefined && identity !== "trigger") {
    const batch = encodeEdges([{ id, up: false, outcome: "refused", retries: 0, latency: ms(0), status: 0 }]);
    armed = identity;
    post({ kind: "edges", epoch: 1, batch });
  } else if (identity === "trigger" && armed !== undefined) {
    const what = armed;
    armed = undefined; // a task that rejects leaves its thread to the next one
    fault(what, post, reject);
  } else {
    post({ kind: "attempts", epoch: 1, failures: [{ id, outcome: "refused", detail: `known ${known}` }] });
  }
}

function fault(identity: string, post: (message: FromWorker) => void, reject: (why: Error) => void): void {
  const [what, where = ""] = identity.split(" at ");
  switch (what) {
    case "hangs":
      openSync(where, "r"); // open(2) of a pipe that nobody writes to, as stuck in native code as can be
      break;
    case "throws":
      setImmediate(() => {
        throw new Error("thrown on purpose");
      });
      break;
    case "rejects":
      reject(new Error("rejected on purpose"));
      break;
    case "exits":
      setImmediate(() => process.exit(3));
      break;
    case "stalls":
      for (;;);
    case "torn batch":
      post({ kind: "edges", epoch: 1, batch: new Uint32Array(3) });
      break;
    case "gives up":
      post({ kind: "fault", code: "ENOMEM", message: "given up on purpose" });
      break;
    case "does not drain":
      stubborn = true;
      break;
  }
}

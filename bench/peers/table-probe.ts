/**
 * Loaded into our daemon under measurement (`NODE_OPTIONS=--import`), beside its own code: counts what happens to the IPVS table
 * in the file that HOLDFAST_IPVS_COUNTS names. It is to ours what the preload library is to keepalived.
 */
import { ftruncateSync, openSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import type { IpvsBackend } from "../../main/ipvs/backend.js";
import { commandNumbers, countsBytes, TableCounter } from "../measure/table-counts.js";

const commandOf = {
  "new-service": commandNumbers.newService,
  "set-service": commandNumbers.setService,
  "del-service": commandNumbers.deleteService,
  "new-dest": commandNumbers.newDestination,
  "set-dest": commandNumbers.setDestination,
  "del-dest": commandNumbers.deleteDestination,
} as const;

async function probe(file: string): Promise<void> {
  const { MemoryBackend } = await import("../../main/ipvs/memory-backend.js");
  const { KernelBackend } = await import("../../main/ipvs/kernel-backend.js");
  const { mapShared } = await import("../../native-bindings/process.js");
  const fd = openSync(file, "a+");
  ftruncateSync(fd, countsBytes);
  const counter = new TableCounter(mapShared(fd, countsBytes));
  count(MemoryBackend.prototype, counter);
  count(KernelBackend.prototype, counter);
}

/** What is refused is not counted; nor is it here. */
function count(backend: Pick<IpvsBackend, "apply">, counter: TableCounter): void {
  const apply = backend.apply;
  backend.apply = async function (operations) {
    const since = process.hrtime.bigint();
    const verdicts = await apply.call(this, operations);
    const done = new Map<number, number>();
    for (const [i, operation] of operations.entries()) {
      if (verdicts[i]?.errno !== 0) continue;
      const command = commandOf[operation.do];
      done.set(command, (done.get(command) ?? 0) + 1);
    }
    counter.add(commandNumbers.batches, 1, since);
    for (const [command, times] of done) counter.add(command, times, since);
    return verdicts;
  };
}

const file = process.env["HOLDFAST_IPVS_COUNTS"];
// The spare is loaded with this too, and has no table until it takes over.
if (isMainThread && file !== undefined) await probe(file);

/**
 * Runs in a network namespace for network.test.ts: opens the host network, prints every change as a line of JSON, and takes
 * commands as lines of JSON. Ends with its input.
 */
import { createInterface } from "node:readline";
import type { VirtualAddress } from "../../main/config/model.js";
import { DeadlineClock } from "../../main/deadline-clock.js";
import { openHostNetwork } from "../../main/network/open.js";
import type { Log } from "../../main/observe/log.js";

export interface ProbeCommand {
  readonly action: "add" | "delete" | "list";
  readonly interface: string;
  readonly address: VirtualAddress;
}

/** A line of the probe's output. */
export interface ProbeLine {
  readonly ready?: true;
  readonly change?: { readonly kind: string; readonly [more: string]: unknown };
  readonly log?: string;
  /** Answer to `add` and `delete`: what `done` heard, and the addresses known at that moment. */
  readonly errno?: number;
  readonly addresses?: readonly string[];
}

const print = (line: ProbeLine): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
const log: Log = Object.assign((_level: string, _event: string, sentence: string) => print({ log: sentence }), {
  detail: false,
});

const clock = new DeadlineClock();
const network = await openHostNetwork(log, clock);
network.subscribe((change) => print({ change }));

function obey(command: ProbeCommand): void {
  const index = network.link(command.interface)?.index ?? 0;
  const answer = (errno: number): void => {
    print({ errno, addresses: network.addresses(index).map(({ address, prefix }) => `${address}/${prefix}`) });
  };
  switch (command.action) {
    case "add":
      network.addAddress(index, command.address, answer);
      break;
    case "delete":
      network.deleteAddress(index, command.address, answer);
      break;
    case "list":
      answer(0);
      break;
  }
}

const input = createInterface({ input: process.stdin });
input.on("line", (line) => obey(JSON.parse(line) as ProbeCommand));
input.on("close", () => {
  network[Symbol.dispose]();
  clock[Symbol.dispose]();
});
print({ ready: true });

// npm run demo [-- --stay]: two directors, two web servers and a client at work. See README.md.
import { chooseBackEnd } from "./back-end.js";
import { ClusterStage } from "./cluster-stage.js";
import { playInUml, stopRequest } from "./in-uml.js";
import { LoopbackStage } from "./loopback-stage.js";
import { play } from "./play.js";
import type { Stage } from "./stage.js";

const options = process.argv.slice(2);
const unknown = options.filter((option) => option !== "--stay" && option !== "--inside");
if (unknown.length > 0) {
  console.error(`usage: npm run demo [-- --stay]\nunknown: ${unknown.join(" ")}`);
  process.exit(2);
}
process.exitCode = await main(options.includes("--stay"), options.includes("--inside"));

/** @param inside we run in the guest that an outer demo booted @returns the exit code */
async function main(stay: boolean, inside: boolean): Promise<number> {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => interrupt.abort());
  const live = inside ? process.env["HOLDFAST_DEMO_LIVE"] === "1" : process.stdout.isTTY;
  const backEnd = await chooseBackEnd();
  if (backEnd.kind === "uml" && !inside) {
    console.log("this kernel has no IPVS: starting a User Mode Linux kernel that has it");
    return playInUml({ stay, live, signal: interrupt.signal });
  }
  const signal = inside ? stopRequest() : interrupt.signal;
  const shown = inside ? ({ kind: "uml" } as const) : backEnd;
  await using stage = await createStage(backEnd.kind);
  const complete = await play(stage, { backEnd: shown, stay, live, signal });
  return complete ? 0 : 1;
}

function createStage(kind: Awaited<ReturnType<typeof chooseBackEnd>>["kind"]): Promise<Stage> {
  switch (kind) {
    case "kernel":
    case "uml":
      return ClusterStage.create("kernel");
    case "memory":
      return ClusterStage.create("memory");
    case "loopback":
      return LoopbackStage.create();
  }
}

import { readdirSync } from "node:fs";
import { outcomes } from "../../workers/protocol.js";
import { call, until } from "./addon-under-test.js";
import { LONG_MS, PATIENCE_MS, rows } from "./hostile-network-rows.js";
import { acceptor, add, listen, openEngine, quiet } from "./probe-spec.js";

/** Runs the rows one by one on one engine, each followed by a check that must pass, and prints what each found. */
export interface Found {
  readonly got: string;
  readonly took: number;
  readonly detail: number;
}

const stages = ["connect", "handshake", "response"];
const openFiles = (): number => readdirSync("/proc/self/fd").length;

const good = acceptor();
const goodPort = await listen(good);
const before = openFiles();
const { engine, heard } = openEngine();
const found: Found[] = [];
for (const { spec, verdicts } of rows) {
  const late = verdicts.some((verdict) => verdict.startsWith("timeout"));
  const began = performance.now();
  const slot = add(engine, { ...spec, timeout: late ? PATIENCE_MS : LONG_MS });
  heard.length = 0;
  call(engine, "arm", slot, 1, 0, 0, quiet.nothing);
  await until("a verdict", () => heard.length > 0);
  const took = performance.now() - began;
  const { outcome = -1, stage = -1, detail = -1 } = heard[0] ?? {};
  call(engine, "remove", slot);
  heard.length = 0;
  const next = add(engine, { port: goodPort, timeout: LONG_MS });
  call(engine, "arm", next, 2, 0, 0, quiet.nothing);
  await until("the next check", () => heard.length > 0);
  call(engine, "remove", next);
  const again = heard.length === 1 && heard[0]?.outcome === 0 ? "" : ", and the next check failed";
  found.push({ got: `${outcomes[outcome]} ${stages[stage]}${again}`, took, detail });
}
engine.close();
good.close();
await until("all descriptors are closed", () => openFiles() < before);
process.stdout.write(JSON.stringify(found));

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../main/config/model.js";
import type { FileCheckConfig } from "../../main/config/model-checks.js";
import { FileChecks } from "../../main/control/file-checks.js";
import { fileHealth } from "../../main/control/file-health.js";
import { HealthDirector } from "../../main/health/director.js";
import type { CheckSpec } from "../../workers/protocol.js";
import { config, identityOf, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";
import { recordingLog } from "./notify-support.js";

const rows: readonly (readonly [value: number, weight: number, reverse: boolean, up: boolean, delta: number])[] = [
  [5, 1, false, true, 5],
  [-4, 1, false, true, -4],
  [-254, 1, false, true, -254],
  [-4, 2, true, true, 8],
  [0, 2, true, true, 0],
  [-2_147_483_647, 1, false, true, -2_147_483_647],
  [-2_147_483_648, 1, false, false, 0],
  [2_147_483_648, 1, true, false, 0],
  [99_999_999_999, 3, false, true, 299_999_999_997],
  [0, 0, false, true, 0],
  [7, 0, false, false, 0],
  [7, 0, true, true, 0],
  [0, 0, true, false, 0],
];
for (const [value, weight, reverse, up, delta] of rows) {
  test(`FILE_CHECK: ${value} with weight ${weight}${reverse ? " reverse" : ""} as keepalived`, () => {
    assert.deepEqual(fileHealth(value, weight, reverse), { up, delta });
  });
}

const fileCheck = (over: Partial<FileCheckConfig> = {}): FileCheckConfig => ({
  type: "FILE_CHECK",
  trackFile: "load",
  weight: undefined,
  reverse: undefined,
  ...over,
});

function farm(checks: readonly FileCheckConfig[], fileWeight = 1): Config {
  const realServers = checks.map((check, i) =>
    realServer({ weight: 10, address: `10.0.0.${i + 1}`, checks: [tcpCheck({}, 80, `10.0.0.${i + 1}`), check] }),
  );
  const file = {
    name: "load",
    path: "/run/load",
    weight: fileWeight,
    reverse: false,
    init: { value: 7, overwrite: true },
  };
  const one = config([virtualServer({ realServers })]);
  return { ...one, trackers: { ...one.trackers, files: [file] } };
}

async function setUp(first: Config, text: string, initialises = false) {
  const clock = new HandClock();
  const { log, lines } = recordingLog();
  const known = new Map<string, { readonly up: boolean; readonly value: number | undefined }>();
  const remember = (identity: string, up: boolean, value: number | undefined): void =>
    void known.set(identity, { up, value });
  const watchers: ((text: string | undefined) => void)[] = [];
  const inits: unknown[] = [];
  const director = new HealthDirector({
    log,
    identityOf,
    known: (identity) => (known.has(identity) ? (known.get(identity)?.up ? "up" : "down") : undefined),
    knownValue: (identity) => known.get(identity)?.value,
    remember,
    forget: (identity) => known.delete(identity),
    onPoolChange: () => {},
    onServerEvent: () => {},
  });
  const files = new FileChecks({
    clock,
    log,
    identityOf,
    initialises,
    onEdges: (edges) => director.onEdges(edges),
    onKnown: remember,
    files: {
      watch: (_path, init, onText) => {
        inits.push(init);
        watchers.push(onText);
        queueMicrotask(() => onText(text));
        return { [Symbol.dispose]: () => {} };
      },
    },
  });
  /** Time passes while a file is read. */
  const follow = async (next: Config): Promise<void> => {
    const done = files.follow(next);
    for (let i = 0; i < 3; i++) {
      await Promise.resolve();
      clock.advance(5);
    }
    await done;
  };
  await follow(first);
  await director.start(first);
  const pooled: CheckSpec[] = [...files.divert(director.checks())];
  let current = first;
  const write = async (next: string): Promise<void> => {
    for (const watcher of watchers) watcher(next);
    await director.reload(current);
  };
  const reload = async (next: Config): Promise<void> => {
    current = next;
    await follow(next);
    const { checks } = await director.reload(next);
    files.remove(checks.removed);
    pooled.push(...files.divert(checks.added));
    await director.reload(next); // after what the files said
  };
  const weights = (): Record<string, number> =>
    Object.fromEntries(
      [...(director.livePool(0)?.entries() ?? [])].map(({ address, weight }) => [address.slice(-1), weight]),
    );
  return { lines, weights, write, reload, pooled, inits };
}

test("FILE_CHECK: servers follow their file from the first table on, and the pool never hears of it", async () => {
  const checks = [fileCheck(), fileCheck({ weight: 0 }), fileCheck({ weight: 2, reverse: true })];
  const { lines, weights, write, pooled, inits } = await setUp(farm(checks), "5\n");
  assert.deepEqual(weights(), { 1: 15, 3: 0 });
  await write("-4\n");
  assert.deepEqual(weights(), { 1: 6, 3: 18 });
  await write("-2147483648\n");
  assert.deepEqual(weights(), { 3: 2_147_483_647 });
  await write("0\n");
  assert.deepEqual(weights(), { 1: 10, 2: 10, 3: 10 });
  assert.deepEqual(
    pooled.map(({ check }) => check.type),
    ["TCP_CHECK", "TCP_CHECK", "TCP_CHECK"],
  );
  assert.deepEqual(inits, [undefined]); // written by the side of VRRP, once
  const said = lines.map(({ sentence }) => sentence).filter((line) => /FAULT|service/.test(line));
  assert.deepEqual(
    said.filter((line) => line.includes("10.0.0.1")),
    [
      "Changing weight from 15 to 6 for active service [10.0.0.1]:tcp:80 of VS [192.0.2.1]:tcp:80",
      "([10.0.0.1]:tcp:80): tracked file load now FAULT state",
      "Removing service [10.0.0.1]:tcp:80 from VS [192.0.2.1]:tcp:80",
      "([10.0.0.1]:tcp:80): tracked file load leaving FAULT state",
      "Adding service [10.0.0.1]:tcp:80 to VS [192.0.2.1]:tcp:80",
    ],
  );
});

test("FILE_CHECK: a reload keeps what the file says, takes another weight over, and adds no server that it has failed", async () => {
  const { weights, reload } = await setUp(farm([fileCheck()]), "5\n");
  await reload(farm([fileCheck()]));
  assert.deepEqual(weights(), { 1: 15 });
  await reload(farm([fileCheck(), fileCheck({ weight: 0 })], 3));
  assert.deepEqual(weights(), { 1: 25 });
  await reload(farm([fileCheck({ weight: -1 })], 3));
  assert.deepEqual(weights(), { 1: 5 });
});

test("FILE_CHECK: a reload that takes a failed server away does not put it into service first", async () => {
  const { lines, weights, reload } = await setUp(farm([fileCheck({ weight: 0 })]), "5\n");
  assert.deepEqual(weights(), {});
  await reload(farm([]));
  assert.deepEqual(
    lines.map(({ sentence }) => sentence).filter((line) => /leaving FAULT|Adding service/.test(line)),
    [],
  );
});

test("FILE_CHECK: without VRRP it writes init_file, at the start and not at a reload", async () => {
  const { inits, reload } = await setUp(withInit(farm([fileCheck()])), "5\n", true);
  await reload(withInit(farm([fileCheck()], 3)));
  assert.deepEqual(inits, [{ text: "7\n", overwrite: true }]);
  await reload(withInit(farm([fileCheck()]), "/run/other"));
  assert.deepEqual(inits.at(-1), undefined);
});

test("FILE_CHECK: beside VRRP that one writes init_file", async () => {
  const { inits } = await setUp(withInit(farm([fileCheck()])), "5\n");
  assert.deepEqual(inits, [undefined]);
});

function withInit(config: Config, path?: string): Config {
  const files = config.trackers.files.map((file) => ({
    ...file,
    path: path ?? file.path,
    init: { value: 7, overwrite: true },
  }));
  return { ...config, trackers: { ...config.trackers, files } };
}

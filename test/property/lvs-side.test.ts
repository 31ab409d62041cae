import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { difference } from "../../main/config/difference.js";
import type { Config, VirtualServerConfig } from "../../main/config/model.js";
import { Rebuild } from "../../main/config/rebuild.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { LvsSide } from "../../main/control/lvs-side.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { servicesOf } from "../../main/ipvs/group-services.js";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import { destinationKey, type Service, serviceKey } from "../../main/ipvs/table.js";
import { loopClock } from "../../workers/loop-clock.js";
import { loadText } from "../harness/config-fixtures.js";
import { recordingLog } from "../unit/notify-support.js";

/**
 * From the text of a configuration to the table: after any reloads, with servers that fail and recover between them, the kernel has
 * what the last text and the servers that are alive ask for, and nothing else. The model below knows nothing of what was before.
 */

/** Sessions that say which servers are alive. */
const SESSIONS = ["s1", "s2", "s3", "s4"] as const;
const HOSTS = [1, 2, 3];

interface Real {
  readonly host: number;
  readonly weight: number;
  readonly inhibit: boolean;
  readonly session: string | undefined;
}

interface Server {
  /** What it balances: an address, or a group whose ranges may meet those of others. */
  readonly head: string;
  readonly method: "NAT" | "DR";
  readonly scheduler: string;
  readonly quorum: number;
  readonly alpha: boolean;
  readonly sorry: { readonly host: number; readonly inhibit: boolean } | undefined;
  readonly reals: readonly Real[];
}

interface Farm {
  readonly groups: readonly (readonly string[])[];
  readonly servers: readonly Server[];
}

const real: fc.Arbitrary<Real> = fc.record({
  host: fc.constantFrom(...HOSTS),
  weight: fc.integer({ min: 0, max: 3 }),
  inhibit: fc.boolean(),
  session: fc.option(fc.constantFrom(...SESSIONS), { nil: undefined, freq: 4 }),
});
const server: fc.Arbitrary<Server> = fc.record({
  head: fc.constantFrom("group a", "group b", "192.0.2.2 80", "192.0.2.9 80"),
  method: fc.constantFrom("NAT", "DR"),
  scheduler: fc.constantFrom("rr", "wlc"),
  quorum: fc.integer({ min: 1, max: 3 }),
  alpha: fc.boolean(),
  sorry: fc.option(fc.record({ host: fc.constantFrom(1, 2, 8), inhibit: fc.boolean() }), { nil: undefined }),
  reals: fc.uniqueArray(real, { minLength: 1, maxLength: 3, selector: ({ host }) => host }),
});
const range = fc.constantFrom("192.0.2.1-3 80", "192.0.2.2 80", "192.0.2.2-4 80");
const farm: fc.Arbitrary<Farm> = fc.record({
  groups: fc.array(fc.array(range, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 2 }),
  servers: fc.array(server, { maxLength: 4 }),
});

/** What an operator does to a file: other lines, or the same ones in another order. */
type Edit = (farm: Farm, other: Farm) => Farm;
const edits: readonly Edit[] = [
  (now) => now,
  (now) => ({ ...now, servers: now.servers.toReversed() }),
  (now, other) => ({ ...now, groups: other.groups }),
  (now, other) => ({ ...now, servers: [...now.servers.slice(1), ...other.servers.slice(0, 1)] }),
  (now, other) => ({
    ...now,
    servers: now.servers.map((one, i) => ({ ...one, sorry: other.servers[i]?.sorry ?? one.sorry })),
  }),
  (_, other) => other,
];
const change = fc.oneof(
  fc.record({ edit: fc.constantFrom(...edits), other: farm }),
  fc.record({ session: fc.constantFrom(...SESSIONS), state: fc.constantFrom("up", "down") }),
);

const textOf = ({ groups, servers }: Farm): string =>
  [
    ...SESSIONS.map((name, i) => `bfd_instance ${name} {\nneighbor_ip 10.9.0.${i + 1}\n}`),
    ...groups.map((entries, i) => `virtual_server_group ${"ab"[i]} {\n${entries.join("\n")}\n}`),
    ...servers.map(serverText),
  ].join("\n");

const serverText = ({ head, method, scheduler, quorum, alpha, sorry, reals }: Server): string =>
  [
    `virtual_server ${head} {\nlb_algo ${scheduler}\nlb_kind ${method}\nprotocol TCP\nquorum ${quorum}`,
    alpha ? "alpha" : "",
    sorry === undefined ? "" : `sorry_server 10.0.0.${sorry.host} 80`,
    sorry?.inhibit === true ? "sorry_server_inhibit" : "",
    ...reals.map(realText),
    "}",
  ].join("\n");

const realText = ({ host, weight, inhibit, session }: Real): string =>
  [
    `real_server 10.0.0.${host} 80 {\nweight ${weight}`,
    inhibit ? "inhibit_on_failure" : "",
    session === undefined ? "" : `BFD_CHECK {\nname ${session}\n}`,
    "}",
  ].join("\n");

interface Wanted {
  readonly service: Service;
  /** Weights. */
  readonly destinations: Map<string, number>;
}

/** The table that `config` asks for, put together anew. */
function wantedOf({ virtualServers }: Config, down: ReadonlySet<string>): readonly string[] {
  const table = new Map<string, Wanted>();
  for (const config of virtualServers)
    for (const service of servicesOf(config, () => undefined)) {
      const key = serviceKey(service);
      const wanted = table.get(key) ?? { service, destinations: new Map<string, number>() };
      table.set(key, wanted);
      for (const [name, weight] of poolOf(config, down)) {
        // Of a destination that several ask for, or one twice, the first that takes connections counts.
        if ((wanted.destinations.get(name) ?? 0) === 0) wanted.destinations.set(name, weight);
      }
    }
  return [...table.values()].map(({ service, destinations }) => row(service, destinations)).sort(byText);
}

function* poolOf(config: VirtualServerConfig, down: ReadonlySet<string>): Generator<[string, number]> {
  const { realServers, quorum, sorryServer, sorryServerInhibit } = config;
  const lives = realServers.map(({ checks }) =>
    checks.every((check) => check.type !== "BFD_CHECK" || !down.has(check.name)),
  );
  const alive = realServers.reduce((sum, { weight }, i) => (lives[i] === true ? sum + weight : sum), 0);
  const sorryActs = sorryServer !== undefined && (alive === 0 || alive < quorum);
  for (const [i, { address, port, weight, inhibitOnFailure }] of realServers.entries()) {
    if (lives[i] === true && !sorryActs) yield [`${address} ${port}`, weight];
    else if (inhibitOnFailure) yield [`${address} ${port}`, 0];
  }
  if (sorryServer !== undefined && (sorryActs || sorryServerInhibit))
    yield [`${sorryServer.address} ${sorryServer.port}`, sorryActs ? 1 : 0];
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const row = (service: Service, destinations: Iterable<readonly [string, number]>): string =>
  `${serviceKey(service)} ${service.scheduler}: ${[...destinations]
    .map(([name, weight]) => `${name} w${weight}`)
    .sort(byText)
    .join(", ")}`;

async function tableOf(kernel: MemoryBackend): Promise<readonly string[]> {
  const services = await kernel.dumpServices();
  assert.equal(services.kind, "complete");
  const rows: string[] = [];
  for (const service of services.kind === "complete" ? services.entries : []) {
    const dump = await kernel.dumpDestinations(service);
    const there = dump.kind === "complete" ? dump.entries : [];
    rows.push(
      row(
        service,
        there.map((one) => [`${one.address} ${one.port}`, one.weight] as const),
      ),
    );
    assert.equal(new Set(there.map(destinationKey)).size, there.length);
  }
  return rows.sort(byText);
}

/** The daemon gets a difference, and what did not change is the same object. */
function succeed(before: Config, after: Config): Config {
  const rebuild = new Rebuild<Config>(before);
  for (const portion of difference(before, after)) rebuild.take(structuredClone(portion));
  return rebuild.finish();
}

/** Changes are gathered for 5 ms, in a storm for 250 ms, and written in a few turns of the loop: the rest is for a busy machine. */
const LONG_ENOUGH_MS = 10_000;
/** Twice as long as they are gathered: what is still under way would show. */
const SETTLED_MS = 12;

/** And stays so, in as many turns of the loop: the machine may be away in one of them. */
async function becomes(kernel: MemoryBackend, wanted: readonly string[], when: string): Promise<void> {
  const until = performance.now() + LONG_ENOUGH_MS;
  for (let looks = 0; looks < SETTLED_MS && performance.now() < until; looks++) {
    if (!isDeepStrictEqual(await tableOf(kernel), wanted)) looks = -1;
    await sleep(1);
  }
  assert.deepEqual(await tableOf(kernel), wanted, when);
}

test("the table is what the last text and the servers that are alive ask for", { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(farm, fc.array(change, { minLength: 1, maxLength: 8 }), async (first, changes) => {
      const { log } = recordingLog();
      const kernel = new MemoryBackend();
      const lasting = new LastingState(new StateSlab(Buffer.alloc(1024 * 1024)));
      const events = { onServerEvent: () => undefined, onCheckerThread: () => undefined };
      const down = new Set<string>();
      let now = first;
      let config = loadText(textOf(now));
      const lvs = await LvsSide.open(
        { clock: loopClock, log, lasting, ipvs: "kernel", kernel: () => kernel, ...events },
        config,
      );
      const tellAll = (): void => {
        for (const name of SESSIONS) lvs.setBfd(name, down.has(name) ? "down" : "up");
      };
      await lvs.start();
      try {
        tellAll();
        await becomes(kernel, wantedOf(config, down), `at the start\n${textOf(now)}`);
        for (const one of changes) {
          if ("edit" in one) {
            now = one.edit(now, one.other);
            config = succeed(config, loadText(textOf(now)));
            await lvs.reload(config);
            tellAll();
          } else {
            if (one.state === "up") down.delete(one.session);
            else down.add(one.session);
            lvs.setBfd(one.session, one.state);
          }
          await becomes(kernel, wantedOf(config, down), `down: ${[...down].join()}\n${textOf(now)}`);
        }
      } finally {
        await lvs.stop(false);
      }
    }),
    { numRuns: 60 },
  );
});

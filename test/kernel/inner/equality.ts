// Inside the guest: the same file, first with keepalived, then with holdfast. Their tables must be equal line by line.
import assert from "node:assert/strict";
import { Cluster, vip, vip6, type WebName, webAddress, webAddress6, webNames } from "../../harness/cluster.js";
import { type Daemon, holdfast, keepalived, type Program } from "../../harness/daemon.js";
import { destinations, loadIpvs, savedTable } from "../../harness/ipvs.js";
import { until } from "../../harness/until.js";
import { equalitySteps } from "../steps.js";
import { Results } from "./results.js";

type Table = readonly string[];
type Moment = keyof typeof equalitySteps;

const check = `TCP_CHECK {
      connect_port 80
      connect_timeout 1
      retry 1
      delay_before_retry 1
    }`;

interface ServerOptions {
  readonly weights?: readonly [number, number];
  readonly realPort?: number;
  readonly lines?: readonly string[];
  readonly serverLines?: readonly string[];
}

function virtualServer(
  addresses: Readonly<Record<WebName, string>>,
  head: string,
  { weights = [1, 1], realPort = 80, lines = [], serverLines = [] }: ServerOptions,
): string {
  const reals = webNames.map(
    (web, i) => `  real_server ${addresses[web]} ${realPort} {
    weight ${weights[i] ?? 1}
    ${[...serverLines, check].join("\n    ")}
  }`,
  );
  return `virtual_server ${head} {\n  delay_loop 1\n  ${lines.join("\n  ")}\n${reals.join("\n")}\n}`;
}

/** Every forwarding method, protocol and kind of failure handling once; v4 and v6. */
const config = [
  virtualServer(webAddress, `${vip} 80`, { lines: ["lb_algo rr", "lb_kind DR", "protocol TCP"] }),
  virtualServer(webAddress, `${vip} 8080`, {
    weights: [3, 2],
    lines: ["lb_algo wlc", "lb_kind NAT", "persistence_timeout 60", "protocol TCP"],
  }),
  virtualServer(webAddress, `${vip} 53`, { realPort: 53, lines: ["lb_algo sh", "lb_kind TUN", "protocol UDP"] }),
  virtualServer(webAddress, `${vip} 81`, {
    weights: [5, 4],
    lines: ["lb_algo wrr", "lb_kind DR", "protocol TCP"],
    serverLines: ["inhibit_on_failure"],
  }),
  virtualServer(webAddress, `${vip} 82`, {
    lines: ["lb_algo rr", "lb_kind NAT", "protocol TCP", "quorum 2", "sorry_server 192.168.91.50 82"],
  }),
  virtualServer(webAddress6, `${vip6} 80`, { lines: ["lb_algo rr", "lb_kind DR", "protocol TCP"] }),
  virtualServer(webAddress6, `${vip6} 8080`, {
    weights: [2, 7],
    lines: ["lb_algo wlc", "lb_kind NAT", "protocol TCP", "persistence_timeout 90"],
  }),
].join("\n");

const results = new Results();
await using cluster = await Cluster.create();
const director = cluster.host("director1");
await loadIpvs(director);
await Promise.all([cluster.startWeb("web1"), cluster.startWeb("web2")]);

const expected = await observe(keepalived, (_moment, read) => settled(read));
for (const [moment, table] of Object.entries(expected)) console.log(`keepalived, ${moment}:\n${table.join("\n")}`);
assert.notDeepEqual(expected.failure, expected.rest, "keepalived reacts to the failure");
const mismatch = new Map<Moment, string>();
await observe(holdfast("kernel"), async (moment, read, daemon) => {
  try {
    await equals(moment, read);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    mismatch.set(moment, `${why}\n${(await daemon.log()).slice(-4000)}`);
  }
  return read();
});
for (const [moment, name] of Object.entries(equalitySteps)) {
  await results.step(name, async () => {
    const why = mismatch.get(moment as Moment);
    if (why !== undefined) throw new Error(why);
    return `${expected[moment as Moment].length} equal lines`;
  });
}

type Read = () => Promise<Table>;
type Observer = (moment: Moment, read: Read, daemon: Daemon) => Promise<Table>;

/** One life of a daemon: start, a web server fails and comes back, stop. */
async function observe(program: Program, table: Observer): Promise<Readonly<Record<Moment, Table>>> {
  const read: Read = () => savedTable(director);
  const daemon = await director.start(program, config, ["--check"]);
  const rest = await table("rest", read, daemon);
  await cluster.stopWeb("web2");
  const failure = await table("failure", read, daemon);
  await cluster.startWeb("web2");
  const recovery = await table("recovery", read, daemon);
  await daemon.stop();
  const stopped = await table("stopped", read, daemon);
  return { rest, failure, recovery, stopped };
}

/** A table that did not change for longer than a check and its retry take together (1 + 1 + 1 + 1 s). */
async function settled(read: Read): Promise<Table> {
  let table = await read();
  let since = performance.now();
  await until(
    "keepalived's table settles",
    60_000,
    async () => {
      const now = await read();
      if (now.join("\n") !== table.join("\n")) {
        table = now;
        since = performance.now();
      }
      return performance.now() - since > 5000;
    },
    200,
  );
  return table;
}

/** Equal within a bound that leaves the slow guest time for a check, its retry and a start. */
async function equals(moment: Moment, read: Read): Promise<void> {
  const want = expected[moment];
  let got: Table = [];
  const equal = async (): Promise<boolean> => {
    got = await read();
    return got.join("\n") === want.join("\n");
  };
  await until(`equal tables ${moment}`, 20_000, equal, 100).catch(() => undefined);
  assert.deepEqual(got, want);
  assert.ok(moment === "stopped" || destinations(want).length > 0, "the reference table is not empty");
}

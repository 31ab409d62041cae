import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Capture } from "../../test/harness/capture.js";
import type { Advert } from "../../test/harness/frames.js";
import { until } from "../../test/harness/until.js";
import type { GcPause, LoopBlock } from "../loop-probe.js";
import { ArrivalTarget } from "../measure/arrivals.js";
import { Collector } from "../measure/collector.js";
import { farmNetwork } from "../measure/farm.js";
import { ADVERT_MS, type Edition, hundredths, type ReloadFarm, reloadText, VIP } from "../measure/reload-config.js";
import { Stand } from "../measure/stand.js";
import type { CommandCount, TableCounts } from "../measure/table-counts.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { RunningDaemon } from "../peers/peer.js";
import type { Bound, Outcome, RunOptions, Scenario } from "./scenario.js";

const PORT = 8080;
const START_MS = 60_000;
const RELOAD_MS = 60_000;
/** For commands to the table that are still to come; none of those that a failed one lacks. */
const LEFT_MS = 10_000;
/** keepalived's time for a reload grows with the square of its checks: of 37,205 it takes minutes. */
const beside: ReloadFarm = { services: 122, servers: 2000, port: PORT };
const whole: ReloadFarm = { services: 2277, servers: 37_205, port: PORT };
const small: ReloadFarm = { services: 61, servers: 1000, port: PORT };

interface Case {
  readonly name: string;
  readonly next: (edition: Edition) => Edition;
  /** Commands that the table needs for it. */
  readonly needs: (farm: ReloadFarm) => number;
}

const unchanged: Case = { name: "unchanged", next: (edition) => edition, needs: () => 0 };
const hundredth: Case = {
  name: "1 % changed",
  next: (edition) => ({ ...edition, extra: edition.extra + 1 }),
  needs: hundredths,
};
const cases: readonly Case[] = [
  unchanged,
  hundredth,
  {
    name: "all changed",
    next: (edition) => ({ ...edition, weight: edition.weight + 1 }),
    needs: ({ servers }) => servers,
  },
  {
    name: "all replaced",
    next: (edition) => ({ ...edition, half: edition.half === 0 ? 1 : 0 }),
    needs: ({ servers }) => 2 * servers,
  },
];

const DONE = "until its log says so";
const TABLE = "until the last command to the table";
const COMMANDS = "commands to the table";
const BLOCKED = "main thread away from its loop, working";
const LATE = "latest advert";

/** Both say it when all of their processes have taken over the new configuration. */
const SENTENCE = "Reload complete";

interface Window {
  readonly of: Case;
  /** ms since the epoch, as captures have it. */
  readonly from: number;
  readonly to: number;
}

/** The cases of the whole farm have no addition: goals are about them. */
const caseOf = ({ name }: Case, { servers }: ReloadFarm): string =>
  servers === whole.servers ? name : `${servers} real servers, ${name}`;

class Subject {
  readonly #collected: Collector;
  readonly #farm: ReloadFarm;
  readonly #checker: typeof holdfast | typeof keepalived;
  #edition: Edition = { weight: 1, extra: 0, half: 0 };

  constructor(collected: Collector, farm: ReloadFarm, checker: typeof holdfast | typeof keepalived) {
    this.#collected = collected;
    this.#farm = farm;
    this.#checker = checker;
  }

  async run(rounds: number, pauseMs: number): Promise<void> {
    const { name, start } = this.#checker;
    await using stand = await Stand.create("ours");
    const [host, { dir }] = [stand.host("ours"), stand.lan];
    await using _target = await ArrivalTarget.start(host, PORT, farmNetwork.address, farmNetwork.addresses);
    const loopProbe = path.join(dir, "loop.jsonl");
    const head = reloadText(this.#farm, this.#edition);
    await using running = await start({ host, dir, farms: [], head, vrrp: true, loopProbe });
    const full = (): boolean => (running.table()?.newDestination.count ?? 0) >= this.#farm.servers;
    await until(`${name} has its full table`, START_MS, full, 50);
    await until(`${name} is master`, START_MS, () => host.hasAddress(VIP), 100);
    await sleep(5 * pauseMs); // first checks, copy of the configuration, spare
    await using capture = await stand.lan.capture();
    const windows: Window[] = [];
    for (let round = 0; round < rounds; round++)
      for (const of of cases) windows.push(await this.#reload(running, of, pauseMs));
    await sleep(500); // the probe writes its last lines
    await this.#adverts(windows, capture);
    if (name === "holdfast") this.#blocks(windows, loopProbe, running.daemon.nodePid);
  }

  async #reload({ daemon, table }: RunningDaemon, of: Case, pauseMs: number): Promise<Window> {
    const { name } = this.#checker;
    this.#edition = of.next(this.#edition);
    const { config, log } = daemon.files;
    await writeFile(`${config}.new`, reloadText(this.#farm, this.#edition));
    await rename(`${config}.new`, config);
    const said = (): number => readFileSync(log, "utf8").split(SENTENCE).length - 1;
    const [saidBefore, before] = [said(), commandsOf(table())];
    const [from, fromNs] = [clock(), Number(process.hrtime.bigint())];
    daemon.signal("SIGHUP");
    await until(`${name}, ${of.name}: is reloaded`, RELOAD_MS, () => said() > saidBefore);
    const to = clock();
    await sleep(pauseMs); // what is left to do behind it counts as well
    const needed = of.needs(this.#farm);
    // A busy machine may need longer: what comes later would count as if it were the next one's.
    const isWhole = (): boolean => commandsOf(table()).count - before.count >= needed;
    await until("the table has it all", LEFT_MS, isWhole, 50).catch(() => undefined);
    const after = commandsOf(table());
    const commands = after.count - before.count;
    const add = (quantity: string, unit: string, value: number): void =>
      this.#collected.add(caseOf(of, this.#farm), name, quantity, unit, value);
    add(DONE, "s", (to - from) / 1000);
    add(COMMANDS, "", commands);
    if (commands > 0) add(TABLE, "s", (after.lastNs - fromNs) / 1e9);
    if (commands < needed)
      this.#collected.faults.push(`${of.name}, ${name}: ${commands} commands to the table, it needs ${needed}`);
    return { of, from, to: to + pauseMs };
  }

  /** Beyond the interval, of what the wire saw. */
  async #adverts(windows: readonly Window[], capture: Capture): Promise<void> {
    const { name } = this.#checker;
    const times = (await capture.frames())
      .filter((frame): frame is Advert => frame.kind === "advert")
      .map(({ at }) => at);
    for (const { of, from, to } of windows) {
      const gaps = times.flatMap((at, i) => (i > 0 && at >= from && at <= to ? [at - (times[i - 1] ?? at)] : []));
      if (gaps.length === 0) this.#collected.faults.push(`${of.name}, ${name}: no adverts`);
      else this.#collected.add(caseOf(of, this.#farm), name, LATE, "ms", Math.max(0, Math.max(...gaps) - ADVERT_MS));
    }
  }

  #blocks(windows: readonly Window[], probe: string, main: number | undefined): void {
    const lines = readFileSync(probe, "utf8").split("\n").slice(0, -1);
    const blocks = lines
      .map((line) => JSON.parse(line) as LoopBlock | GcPause)
      .filter((event): event is LoopBlock => event.kind === "block" && event.pid === main);
    for (const { of, from, to } of windows) {
      const inside = blocks.filter(({ at }) => at >= from && at <= to);
      const most = (take: (block: LoopBlock) => number): number => inside.reduce((max, b) => Math.max(max, take(b)), 0);
      const add = (quantity: string, value: number): void =>
        this.#collected.add(caseOf(of, this.#farm), "holdfast", quantity, "ms", value);
      add(
        BLOCKED,
        most(({ cpuMs }) => cpuMs),
      );
      add(
        "main thread away from its loop",
        most(({ wallMs }) => wallMs),
      );
    }
  }
}

/** The clock of the capture's time stamps, ms. */
const clock = (): number => performance.timeOrigin + performance.now();

/** All that change a table; what only reads is not among them. */
function commandsOf(table: TableCounts | undefined): Pick<CommandCount, "count" | "lastNs"> {
  if (table === undefined) return { count: 0, lastNs: 0 };
  const { batches: _, ...commands } = table;
  const all: readonly CommandCount[] = Object.values(commands);
  return { count: all.reduce((sum, { count }) => sum + count, 0), lastNs: Math.max(...all.map((one) => one.lastNs)) };
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const collected = new Collector();
  const [rounds, pauseMs] = quick ? [1, 500] : [3, 2500];
  const measure = async (farm: ReloadFarm, checker: typeof holdfast | typeof keepalived): Promise<void> => {
    say(`${farm.servers} real servers: ${checker.name}`);
    await collected.attempt(checker.name, () => new Subject(collected, farm, checker).run(rounds, pauseMs));
  };
  const pair = quick ? small : beside;
  if (peers.has("keepalived")) await measure(pair, keepalived);
  if (peers.has("keepalived") || quick) await measure(pair, holdfast);
  if (!quick) await measure(whole, holdfast);
  const sizeOf = ({ services, servers }: ReloadFarm): string => `${services} virtual servers, ${servers} real servers`;
  return {
    conditions: {
      ...(quick ? {} : { configuration: sizeOf(whole) }),
      "beside keepalived": sizeOf(pair),
      advert_int: `${ADVERT_MS / 1000} s`,
    },
    figures: collected.figures(),
    bounds: quick ? [] : boundsOf(collected),
    distributions: [],
    faults: collected.faults,
  };
}

function boundsOf(collected: Collector): readonly Bound[] {
  const most = ({ name }: Case, quantity: string): number | undefined => collected.most(name, "holdfast", quantity);
  const middle = ({ name }: Case, quantity: string): number | undefined => collected.median(name, "holdfast", quantity);
  return [
    { what: "unchanged: commands to the table", unit: "", value: most(unchanged, COMMANDS), most: 0 },
    { what: `unchanged: ${DONE}`, unit: "s", value: middle(unchanged, DONE), most: 1 },
    { what: `unchanged: ${BLOCKED}`, unit: "ms", value: most(unchanged, BLOCKED), most: 5 },
    { what: "1 % changed: commands to the table", unit: "", value: most(hundredth, COMMANDS), most: hundredths(whole) },
    { what: `1 % changed: ${DONE}`, unit: "s", value: middle(hundredth, DONE), most: 1.5 },
  ];
}

export const reload: Scenario = {
  name: "reload",
  question:
    "A reload of 2,277 virtual servers with 37,205 real servers: how long does it take, what is written, and who waits?",
  peers: ["keepalived"],
  run,
};

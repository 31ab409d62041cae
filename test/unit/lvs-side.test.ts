import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { checkIdentity } from "../../main/config/identity.js";
import type { VirtualServerConfig } from "../../main/config/model.js";
import type { MarkMemory } from "../../main/control/group-marks.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { LvsSide } from "../../main/control/lvs-side.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { DaemonError } from "../../main/errors.js";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import type { Operation } from "../../main/ipvs/operation.js";
import type { NetworkChange } from "../../main/vrrp/ports.js";
import { load } from "./config-fake-host.js";
import { config, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";
import { recordingLog } from "./notify-support.js";

/** A kernel that gets its IPVS late, and takes its time to say so. */
class LateKernel extends MemoryBackend {
  static readonly waiting: ((found: boolean) => void)[] = [];
  closed = false;

  override async open(): Promise<void> {
    if (!(await new Promise<boolean>((resolve) => LateKernel.waiting.push(resolve))))
      throw new DaemonError("E_IPVS_MISSING", "no IPVS");
  }

  override close(): void {
    this.closed = true;
    super.close();
  }
}

/** More turns of the loop than anything here takes, also where each step ends its slice: a busy machine is away in any of them. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 200; i++) await nextTurn();
};

async function withoutIpvs() {
  const clock = new HandClock();
  const { log, lines } = recordingLog();
  const written: Operation[] = [];
  const opened: LateKernel[] = [];
  const kernel = (): LateKernel => {
    const one = new LateKernel({ onApply: (operations) => written.push(...operations) });
    opened.push(one);
    return one;
  };
  const lasting = new LastingState(new StateSlab(Buffer.alloc(64 * 1024)));
  const events = { onServerEvent: () => undefined, onCheckerThread: () => undefined };
  const servers = config([virtualServer({ realServers: [realServer({ checks: [] })] })]);
  const opening = LvsSide.open({ clock, log, lasting, ipvs: "auto", kernel, ...events }, servers);
  LateKernel.waiting.shift()?.(false);
  const lvs = await opening;
  await lvs.start();
  return { clock, lines, written, opened, lvs };
}

test("a kernel without IPVS that gets it later has the whole table then", async () => {
  const { clock, written, lvs } = await withoutIpvs();
  clock.advance(30_000);
  LateKernel.waiting.shift()?.(true);
  await settle();
  assert.deepEqual(
    written.map((operation) => operation.do),
    ["new-service", "new-dest"],
  );
  assert.equal(lvs.ipvs()?.services, 1);
  await lvs.stop(false);
});

test("a look for IPVS that is under way when the daemon leaves writes nothing any more", async () => {
  const { clock, lines, written, opened, lvs } = await withoutIpvs();
  clock.advance(30_000);
  await lvs.stop(true);
  LateKernel.waiting.shift()?.(true);
  await settle();
  assert.deepEqual(written, []);
  assert.equal(opened[1]?.closed, true);
  assert.ok(lines.every(({ event }) => event !== "ipvs.found"));
});

test("after a crash, with a file that has no virtual servers any more: entries go, and what was known of checks", async () => {
  const { log } = recordingLog();
  const lasting = new LastingState(new StateSlab(Buffer.alloc(64 * 1024)));
  const kernel = new MemoryBackend();
  const open = (servers: readonly VirtualServerConfig[]): Promise<LvsSide> => {
    const events = { onServerEvent: () => undefined, onCheckerThread: () => undefined };
    const deps = { clock: new HandClock(), log, lasting, ipvs: "kernel", kernel: () => kernel, ...events } as const;
    return LvsSide.open(deps, config(servers));
  };
  const services = async (): Promise<number> => {
    const dump = await kernel.dumpServices();
    return dump.kind === "complete" ? dump.entries.length : -1;
  };
  const known = tcpCheck();
  const before = await open([virtualServer({ realServers: [realServer({ checks: [known] })] })]);
  await before.start();
  lasting.rememberHealth(checkIdentity(known), true);
  lasting.rememberHealth("of a check that a reload was removing", false);
  assert.deepEqual([await services(), lasting.ownsEntries()], [1, true]);
  await before.stop(false); // as a crash would leave it

  const same = await open([virtualServer({ realServers: [realServer({ checks: [known] })] })]);
  await same.start();
  const health = ["of a check that a reload was removing", checkIdentity(known)].map((each) => lasting.health(each));
  assert.deepEqual([await services(), health], [1, [undefined, "up"]]);
  await same.stop(false);

  const after = await open([]);
  await after.start();
  await settle();
  assert.deepEqual([await services(), lasting.ownsEntries(), lasting.knowsHealth()], [0, false, false]);
  await after.stop(true);
});

/** One server that is as its BFD session says: who follows that shows which checks are made. */
const suspending = (address: string, session: string) => {
  const { service } = virtualServer();
  assert.ok(service.kind === "address");
  const check = { type: "BFD_CHECK", timing: tcpCheck().timing, name: session } as const;
  const realServers = [realServer({ checks: [check] })];
  return virtualServer({ haSuspend: true, service: { ...service, address }, realServers });
};

const awake = (one: VirtualServerConfig): VirtualServerConfig => ({ ...one, haSuspend: false });

/** However many turns of the loop the reload has behind it when the address goes. */
test("an address that goes during a reload: what the reload brings rests, too", async () => {
  for (let turns = 0; turns < 12; turns++) {
    const clock = new HandClock();
    const { log } = recordingLog();
    const edges: string[] = [];
    let local = ["192.0.2.1", "192.0.2.2"];
    let hear: (change: NetworkChange) => void = () => undefined;
    const localAddresses = () =>
      Promise.resolve({
        localAddresses: () => local,
        subscribe: (onChange: typeof hear): Disposable => {
          hear = onChange;
          return { [Symbol.dispose]: () => undefined };
        },
        [Symbol.dispose]: () => undefined,
      });
    const lasting = new LastingState(new StateSlab(Buffer.alloc(64 * 1024)));
    const onServerEvent = ({ kind }: { readonly kind: string }): void => void edges.push(kind);
    const deps = { clock, log, lasting, localAddresses, onServerEvent, onCheckerThread: () => undefined };
    const [first, second] = [suspending("192.0.2.1", "one"), suspending("192.0.2.2", "two")];
    const lvs = await LvsSide.open({ ...deps, ipvs: "memory" }, config([first]));
    await lvs.start();
    lvs.setBfd("one", "up");
    lvs.setBfd("two", "up");
    const reloaded = lvs.reload(config([first, second]));
    for (let turn = 0; turn < turns; turn++) await (turn % 2 === 0 ? Promise.resolve() : nextTurn());
    local = ["192.0.2.1"];
    hear({ kind: "address", address: { interfaceIndex: 1, address: "192.0.2.2", prefix: 32, tentative: false } });
    clock.advance(10);
    await reloaded;
    await settle();
    edges.length = 0;
    lvs.setBfd("two", "down");
    await settle();
    assert.deepEqual(edges, [], `${turns} turns: nobody asks for a session of a server that rests`);
    lvs.setBfd("one", "down");
    await settle();
    assert.notDeepEqual(edges, []);
    await lvs.stop(false);
  }
});

test("who looks while a reload goes on sees each virtual server with its own state", async () => {
  const { log } = recordingLog();
  const lasting = new LastingState(new StateSlab(Buffer.alloc(64 * 1024)));
  const deps = {
    clock: new HandClock(),
    log,
    lasting,
    onServerEvent: () => undefined,
    onCheckerThread: () => undefined,
  };
  const all = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => ({
    ...suspending(address, address),
    haSuspend: false,
  }));
  const lvs = await LvsSide.open({ ...deps, ipvs: "memory" }, config(all));
  await lvs.start();
  let over = false;
  const reloaded = lvs.reload(config(all.slice(1))).finally(() => {
    over = true;
  });
  for (let turn = 0; !over; turn++) {
    for (const { config: shown, snapshot } of lvs.virtualServers())
      assert.ok(shown.service.kind === "address" && snapshot.name.includes(shown.service.address), `turn ${turn}`);
    await (turn % 8 === 7 ? nextTurn() : Promise.resolve());
  }
  await reloaded;
  await lvs.stop(false);
});

/** Memory in which no mark can be kept, for once. */
class Forgetful extends LastingState {
  fails: boolean = false;
  override readonly groupMarks: MarkMemory = {
    get: () => undefined,
    set: () => {
      if (this.fails) throw new DaemonError("E_NETLINK", "no mark can be kept");
    },
    delete: () => undefined,
    all: () => [],
  };
}

test("a reload that fails behind the director is made good by the next one, whatever that brings", async () => {
  const written: Operation[] = [];
  const { log } = recordingLog();
  const lasting = new Forgetful(new StateSlab(Buffer.alloc(64 * 1024)));
  const news: string[] = [];
  const kernel = (): MemoryBackend => new MemoryBackend({ onApply: (operations) => written.push(...operations) });
  const lvs = await LvsSide.open(
    {
      clock: new HandClock(),
      log,
      lasting,
      ipvs: "kernel",
      kernel,
      onServerEvent: ({ kind }) => void news.push(kind),
      onCheckerThread: () => undefined,
    },
    config([suspending("192.0.2.1", "one"), suspending("192.0.2.2", "two")].map(awake)),
  );
  try {
    await lvs.start();
    for (const name of ["one", "two", "three"]) lvs.setBfd(name, "up");
    await settle();
    const next = config([suspending("192.0.2.2", "two"), suspending("192.0.2.3", "three")].map(awake));
    const marked = load(
      "global_defs {\n nftables_ipvs\n}\nvirtual_server_group G {\n 192.0.2.9 80\n}\nvirtual_server group G {\n lb_kind DR\n real_server 10.0.0.1 80 {\n }\n}\n",
    ).config;
    assert.ok(marked);
    lasting.fails = true;
    const broken = { ...marked, virtualServers: [...next.virtualServers, ...marked.virtualServers] };
    await assert.rejects(lvs.reload(broken), { code: "E_NETLINK" });
    assert.equal(lvs.ipvs()?.services, 2, "so far the table is as it was");
    lasting.fails = false;
    await lvs.reload(next);
    await settle();
    assert.equal(lvs.ipvs()?.services, 2);
    const created = written.flatMap((one) =>
      one.do === "new-service" && one.service.match.kind === "address" ? [one.service.match.address] : [],
    );
    assert.deepEqual(created, ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    assert.equal(written.filter((one) => one.do === "del-service").length, 1);
    news.length = 0;
    lvs.setBfd("three", "down");
    await settle();
    assert.notDeepEqual(news, [], "the server of the reload that failed is checked");
  } finally {
    await lvs.stop(false); // its threads would keep the process
  }
});

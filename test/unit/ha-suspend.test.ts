import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import { HaSuspend } from "../../main/control/ha-suspend.js";
import { HealthDirector } from "../../main/health/director.js";
import { ms } from "../../main/units.js";
import type { NetworkChange } from "../../main/vrrp/ports.js";
import { load } from "./config-fake-host.js";
import { config, realServer, tcpCheck, unheard, virtualServer } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";
import { recordingLog } from "./notify-support.js";

const at = (address: string, servers: readonly string[], haSuspend = true) =>
  virtualServer({
    haSuspend,
    service: { kind: "address", address, port: virtualServer().realServers[0]?.port ?? assert.fail(), protocol: "TCP" },
    realServers: servers.map((server) => realServer({ address: server, checks: [tcpCheck({}, 80, server)] })),
  });

function directorOf() {
  const { log, lines } = recordingLog();
  const director = new HealthDirector({
    log,
    ...unheard,
  });
  return {
    director,
    sentences: () => lines.filter(({ event }) => event.startsWith("check.")).map(({ sentence }) => sentence),
  };
}

test("checks rest while no address is here; one that another virtual server wants goes on", async () => {
  const { director, sentences } = directorOf();
  const two = [at("192.0.2.1", ["10.0.0.1", "10.0.0.2"]), at("192.0.2.2", ["10.0.0.2"], false)];
  await director.start(config(two));
  const ids = [...director.checks()].map(({ id }) => id);
  assert.equal(ids.length, 2);
  const rests = await director.suspend(({ haSuspend }) => haSuspend);
  assert.deepEqual([[...rests.added], rests.removed], [[], ids.slice(0, 1)]);
  assert.deepEqual(sentences(), [
    "Suspending healthchecker for service [10.0.0.1]:tcp:80 for VS [192.0.2.1]:tcp:80",
    "Suspending healthchecker for service [10.0.0.2]:tcp:80 for VS [192.0.2.1]:tcp:80",
  ]);
  const again = await director.suspend(({ haSuspend }) => haSuspend);
  assert.deepEqual([[...again.added], again.removed], [[], []]);
  const active = await director.suspend(() => false);
  assert.deepEqual([[...active.added].map(({ id }) => id), active.removed], [ids.slice(0, 1), []]);
  assert.equal(sentences()[2], "Activating healthchecker for service [10.0.0.1]:tcp:80 for VS [192.0.2.1]:tcp:80");
});

test("what was under way when its check went to rest counts for nobody", async () => {
  const { director } = directorOf();
  await director.start(config([at("192.0.2.1", ["10.0.0.1", "10.0.0.2"])]));
  const [first] = (await director.suspend(() => true)).removed;
  assert.ok(first);
  const failed = { id: first, up: false, outcome: "refused", retries: 1, latency: ms(1), status: 0 } as const;
  const servers = (): unknown[] => [...director.snapshot()].flatMap((vs) => [...vs.realServers].map((rs) => rs.alive));
  director.onEdges([failed]);
  assert.deepEqual([director.check(first), [...director.runningChecks()], servers()], [undefined, [], [true, true]]);
  await director.suspend(() => false);
  director.onEdges([failed]);
  assert.deepEqual([director.check(first)?.id, servers()], [first, [false, true]]);
});

test("after a reload what rests still rests, with nothing said; a check that somebody wants now is run", async () => {
  const { director, sentences } = directorOf();
  await director.start(config([at("192.0.2.1", ["10.0.0.1", "10.0.0.2"])]));
  const first = await director.suspend(() => true);
  assert.equal(first.removed.length, 2);
  const said = sentences().length;
  await director.reload(config([at("192.0.2.1", ["10.0.0.1", "10.0.0.2"]), at("192.0.2.2", ["10.0.0.2"], false)]));
  const next = await director.suspend(({ haSuspend }) => haSuspend);
  assert.deepEqual(
    [...next.added].map(({ id }) => id),
    first.removed.slice(1),
  );
  assert.deepEqual(next.removed, []);
  assert.equal(sentences().length, said);
});

test("what rests does not hear of a check that another one wants, and catches up when it wakes", async () => {
  const { director } = directorOf();
  await director.start(config([at("192.0.2.1", ["10.0.0.2"]), at("192.0.2.2", ["10.0.0.2"], false)]));
  const [check] = [...director.checks()];
  assert.ok(check !== undefined);
  await director.suspend(({ haSuspend }) => haSuspend);
  const alive = (): readonly unknown[] => [...director.snapshot()].map(({ realServers }) => [...realServers][0]?.alive);
  const hear = async (up: boolean): Promise<void> => {
    director.onEdges([{ id: check.id, up, outcome: up ? "up" : "timeout", retries: 0, latency: ms(1), status: 0 }]);
    await director.suspend(({ haSuspend }) => haSuspend); // waits its turn
  };
  await hear(false);
  assert.deepEqual(alive(), [true, false]);
  await director.suspend(() => false);
  assert.deepEqual(alive(), [false, false]);
  await director.suspend(({ haSuspend }) => haSuspend);
  await hear(true);
  assert.deepEqual(alive(), [false, true]);
  await director.suspend(() => false);
  assert.deepEqual(alive(), [true, true]);
});

test("what begins to rest with a reload is not handed out before", async () => {
  const { director } = directorOf();
  const other = (...servers: string[]) => at("192.0.2.2", servers, false);
  await director.start(config([other("10.0.0.2")]));
  const [old] = [...director.checks()];
  const { checks } = await director.reload(config([at("192.0.2.1", ["10.0.0.1"]), other("10.0.0.2", "10.0.0.3")]));
  const rests = await director.suspend(({ haSuspend }) => haSuspend);
  const handedOut = [...director.runningChecks(checks.added)].map(({ id }) => id);
  assert.equal(handedOut.length, 1);
  assert.ok(old !== undefined && !handedOut.includes(old.id) && !rests.removed.includes(handedOut[0] ?? old.id));
  assert.equal([...director.runningChecks()].length, 2);
});

test("an address, or one of a group's, that comes and goes", async () => {
  const clock = new HandClock();
  const { log } = recordingLog();
  let local: IpAddress[] = ["10.0.0.9"];
  let hear: (change: NetworkChange) => void = () => undefined;
  let looks = 0;
  const open = () =>
    Promise.resolve({
      localAddresses: () => local,
      subscribe: (onChange: (change: NetworkChange) => void): Disposable => {
        hear = onChange;
        return { [Symbol.dispose]: () => undefined };
      },
      [Symbol.dispose]: () => undefined,
    });
  const suspension = new HaSuspend({ clock, log, open, onChange: () => looks++ });
  const { config: read } = load(`virtual_server_group g {\n192.0.2.10-20 80\n2001:db8::1 80\n}
virtual_server group g {\nha_suspend\nprotocol TCP\nlb_algo rr\nlb_kind TUN\nreal_server 10.0.0.1 {\n}\n}\n`);
  assert.ok(read);
  const [group] = read.virtualServers;
  assert.ok(group);
  const single = at("192.0.2.1", []);
  assert.equal(suspension.rests(single), false, "nothing is known yet");
  await suspension.configure(read);
  assert.deepEqual(
    [suspension.rests(single), suspension.rests(group), suspension.rests(at("192.0.2.1", [], false))],
    [true, true, false],
  );
  const change = (...now: readonly IpAddress[]): readonly boolean[] => {
    local = [...now];
    for (let i = 0; i < 3; i++)
      hear({ kind: "address", address: { interfaceIndex: 1, address: "::", prefix: 0, tentative: false } });
    clock.advance(10);
    return [suspension.rests(single), suspension.rests(group)];
  };
  assert.deepEqual(change("192.0.2.1", "192.0.2.20"), [false, false]);
  assert.equal(looks, 1, "many changes are one");
  assert.deepEqual(change("192.0.2.21", "192.0.2.9"), [true, true]);
  assert.deepEqual(change("2001:db8::1"), [true, false]);
  suspension.stop();
});

import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { VirtualAddress } from "../../main/config/model.js";
import { plainAddress } from "../../main/config/model-vrrp.js";
import { DaemonError } from "../../main/errors.js";
import type { ConnectionEvents, DumpResult, Request } from "../../main/netlink/connection.js";
import { type Message, messages, type Verdict } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import { KernelNetwork, type RouteConnection } from "../../main/network/host-network.js";
import { addAddressRequest, deleteAddressRequest, RTM_GETLINK, RTM_NEWLINK } from "../../main/network/rtnetlink.js";
import type { NetworkChange } from "../../main/vrrp/ports.js";
import { ManualClock, recordingLog } from "./notify-support.js";

const NLMSG_NOOP = 1;

const vip = (address: string): VirtualAddress => {
  return { address, prefix: 24, dev: undefined, label: undefined, broadcast: undefined, scope: 0, more: plainAddress };
};

function message(request: Request): Message {
  const writer = new MessageWriter();
  writer.begin(request.type, 0, 0);
  request.encode(writer);
  writer.end();
  const [only] = [...messages(Buffer.from(writer.bytes()))];
  assert.ok(only !== undefined);
  return only;
}

function linkMessage(index: number, name: string, flags = 0x1041): Message {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  const encode = (writer: MessageWriter): void => {
    writer.header(header);
    writer.text(3, name);
  };
  return message({ type: RTM_NEWLINK, encode });
}

const added = (index: number, address: string): Message => message(addAddressRequest(index, vip(address)));
const deleted = (index: number, address: string): Message => message(deleteAddressRequest(index, vip(address)));

/** A kernel that answers when the test says so. */
class FakeKernel implements RouteConnection {
  readonly groups: number[] = [];
  readonly requests: { readonly request: Request; readonly done: (verdict: Verdict) => void }[] = [];
  /** What is dumped; read at the beginning of a dump, as in a kernel that is asked before a change. */
  links: Message[] = [linkMessage(1, "lo"), linkMessage(2, "eth0")];
  addresses: Message[] = [];
  errno = 0;
  interruptions = 0;
  dumps = 0;
  /** Barriers get no answer. */
  congested: boolean = false;
  closed = false;
  /** Called while a dump of addresses is under way. */
  meanwhile: () => void = () => undefined;
  readonly events: ConnectionEvents;

  constructor(events: ConnectionEvents) {
    this.events = events;
  }

  join(group: number): void {
    this.groups.push(group);
  }

  request(request: Request, done: (verdict: Verdict) => void): void {
    if (request.type !== NLMSG_NOOP) this.requests.push({ request, done });
    else if (!this.congested) queueMicrotask(() => done({ errno: 0, reason: "" }));
  }

  answer(errno: number, reason = ""): void {
    this.requests.shift()?.done({ errno, reason });
  }

  async dump(type: number): Promise<DumpResult> {
    this.dumps += 1;
    const parts = type === RTM_GETLINK ? this.links : this.addresses;
    await nextTurn();
    const interrupted = this.interruptions > 0;
    if (interrupted) this.interruptions -= 1;
    if (type !== RTM_GETLINK) this.meanwhile();
    return { verdict: { errno: this.errno, reason: "" }, parts, interrupted };
  }

  notify(...each: readonly Message[]): void {
    for (const one of each) this.events.onNotification?.(one);
  }

  [Symbol.dispose](): void {
    this.closed = true;
  }
}

async function opened(prepare: (kernel: FakeKernel) => void = () => undefined) {
  const clock = new ManualClock();
  const { log, lines } = recordingLog();
  const kernels: FakeKernel[] = [];
  const network = await KernelNetwork.open(
    (events) => {
      const kernel = new FakeKernel(events);
      kernels.push(kernel);
      prepare(kernel);
      return kernel;
    },
    log,
    clock,
  );
  const [kernel] = kernels;
  assert.ok(kernel !== undefined);
  const changes: NetworkChange[] = [];
  const subscription = network.subscribe((change) => changes.push(change));
  return { network, kernel, changes, clock, lines, subscription };
}

const texts = (network: KernelNetwork, index = 2): readonly string[] =>
  network.addresses(index).map(({ address, prefix }) => `${address}/${prefix}`);

async function settled(kernel: FakeKernel): Promise<void> {
  for (let before = -1; before !== kernel.dumps; ) {
    before = kernel.dumps;
    for (let i = 0; i < 5; i += 1) await nextTurn();
  }
}

test("links and addresses are there when open resolves", async () => {
  const { network, kernel } = await opened((k) => {
    k.addresses = [added(2, "10.0.0.1")];
  });
  assert.deepEqual(kernel.groups, [1, 5, 9]);
  assert.equal(network.link("eth0")?.index, 2);
  assert.equal(network.link("eth1"), undefined);
  assert.deepEqual(texts(network), ["10.0.0.1/24"]);
  assert.deepEqual(network.addresses(77), []);
});

test("what is notified while the tables are dumped is not lost", async () => {
  const { network } = await opened((k) => {
    k.addresses = [added(2, "10.0.0.1")];
    k.meanwhile = () => k.notify(deleted(2, "10.0.0.1"), added(2, "10.0.0.2"), linkMessage(3, "eth1"));
  });
  assert.deepEqual(texts(network), ["10.0.0.2/24"]);
  assert.equal(network.link("eth1")?.index, 3);
});

test("an interrupted dump is repeated", async () => {
  const { kernel } = await opened((k) => {
    k.interruptions = 3;
  });
  assert.equal(kernel.dumps, 6); // links and addresses, twice with at least one interruption
});

test("when every dump is interrupted nothing known is forgotten, and it is read again later", async () => {
  const { network, kernel, changes, clock } = await opened((k) => {
    k.addresses = [added(2, "10.0.0.1")];
  });
  kernel.interruptions = 1000;
  kernel.addresses = [];
  kernel.events.onLost?.("test");
  await settled(kernel);
  assert.deepEqual(texts(network), ["10.0.0.1/24"]);
  kernel.interruptions = 0;
  clock.advance(1000);
  await settled(kernel);
  assert.deepEqual(texts(network), []);
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ["address-gone"],
  );
});

test("open fails with one sentence when the kernel tells nothing", async () => {
  const clock = new ManualClock();
  let closed = (): boolean => false;
  const opening = KernelNetwork.open(
    (events) => {
      const kernel = new FakeKernel(events);
      kernel.errno = 1;
      closed = () => kernel.closed;
      return kernel;
    },
    recordingLog().log,
    clock,
  );
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof DaemonError);
    assert.equal(error.code, "E_NETLINK");
    assert.match(error.message, /EPERM.*CAP_NET_ADMIN/);
    return true;
  });
  assert.ok(closed());
  assert.equal(clock.armed, 0);
});

test("lost notifications: differences are told as changes", async () => {
  const { network, kernel, changes, lines } = await opened((k) => {
    k.addresses = [added(2, "10.0.0.1"), added(2, "10.0.0.2")];
  });
  kernel.addresses = [added(2, "10.0.0.2"), added(2, "10.0.0.3")];
  kernel.links = [linkMessage(1, "lo"), linkMessage(2, "eth0", 0x1001)];
  kernel.events.onLost?.("the socket's receive buffer overflowed");
  await settled(kernel);
  assert.deepEqual(
    changes.map((change) =>
      change.kind.startsWith("address") && "address" in change ? change.address.address : change.kind,
    ),
    ["10.0.0.1", "link", "10.0.0.3"],
  );
  assert.equal(network.link("eth0")?.running, false);
  assert.deepEqual(
    lines.map(({ event }) => event),
    ["network.resync"],
  );
});

test("what was queued before the loss is not applied on top of the dump", async () => {
  const { network, kernel, clock } = await opened();
  kernel.congested = true;
  kernel.events.onLost?.("overflow");
  kernel.notify(added(2, "10.0.0.1"), added(2, "10.0.0.2")); // their deletion was dropped
  clock.advance(100);
  assert.deepEqual(kernel.dumps, 2, "not read before the queue is empty");
  kernel.congested = false;
  clock.advance(100);
  await settled(kernel);
  assert.equal(kernel.dumps, 4);
  assert.deepEqual(texts(network), []);
});

test("a barrier that is never answered: given up after 5 s, tried again a second later", async () => {
  const { kernel, clock, lines } = await opened();
  kernel.congested = true;
  kernel.events.onLost?.("overflow");
  for (let i = 0; i < 8; i += 1) {
    clock.advance(5100);
    await nextTurn();
  }
  assert.equal(lines.at(-1)?.event, "network.unreadable");
  kernel.congested = false;
  clock.advance(1000);
  await settled(kernel);
  assert.equal(kernel.dumps, 4);
});

test("losing notifications while reading starts the reading again", async () => {
  const { network, kernel } = await opened();
  kernel.addresses = [added(2, "10.0.0.1")];
  let losses = 0;
  kernel.meanwhile = () => {
    if (losses++ > 0) return;
    kernel.addresses = [added(2, "10.0.0.2")];
    kernel.events.onLost?.("again");
  };
  kernel.events.onLost?.("first");
  await settled(kernel);
  assert.deepEqual(texts(network), ["10.0.0.2/24"]);
});

test("an entry that cannot be decoded is skipped with a sentence", async () => {
  const { network, lines } = await opened((k) => {
    const broken = { ...added(2, "10.0.0.9"), payload: Buffer.alloc(3) };
    k.addresses = [broken, added(2, "10.0.0.1")];
  });
  assert.deepEqual(texts(network), ["10.0.0.1/24"]);
  assert.equal(lines[0]?.event, "network.undecodable");
});

/** errno of the kernel's answer, what `done` hears, whether the address is known afterwards, what is logged. */
const verdicts: readonly (readonly [
  "add" | "delete",
  errno: number,
  told: number,
  known: boolean,
  logged: RegExp | undefined,
])[] = [
  ["add", 0, 0, true, undefined],
  ["add", 17, 0, true, undefined],
  ["add", 1, 1, false, /cannot add address 10\.0\.0\.9\/24 to eth0: EPERM: .*CAP_NET_ADMIN/],
  ["add", 13, 13, false, /EACCES: .*net\.ipv6\.conf\.eth0\.disable_ipv6=0/],
  ["add", 22, 22, false, /EINVAL, the kernel's words: /],
  ["delete", 0, 0, false, undefined],
  ["delete", 99, 0, false, undefined],
  ["delete", 19, 0, false, undefined],
  ["delete", 1, 1, true, /cannot delete address 10\.0\.0\.9\/24 from eth0: EPERM/],
];

for (const [action, errno, told, known, logged] of verdicts) {
  test(`${action} answered with ${errno}`, async () => {
    const { network, kernel, changes, lines } = await opened((k) => {
      if (action === "delete") k.addresses = [added(2, "10.0.0.9")];
    });
    const heard: number[] = [];
    if (action === "add") network.addAddress(2, vip("10.0.0.9"), (e) => heard.push(e));
    else network.deleteAddress(2, vip("10.0.0.9"), (e) => heard.push(e));
    assert.equal(kernel.requests.length, 1, "asked before the call returns");
    kernel.answer(errno, errno === 22 ? "the kernel's words" : "");
    assert.deepEqual(heard, [told]);
    assert.equal(texts(network).includes("10.0.0.9/24"), known);
    const changed = (action === "add") === known;
    assert.equal(changes.length, changed ? 1 : 0);
    if (logged === undefined) assert.deepEqual(lines, []);
    else assert.match(lines[0]?.sentence ?? "", logged);
  });
}

test("the notification of an own change is not told twice", async () => {
  const { network, kernel, changes } = await opened();
  network.addAddress(2, vip("10.0.0.9"), () => undefined);
  kernel.notify(added(2, "10.0.0.9"));
  kernel.answer(0);
  kernel.notify(added(2, "10.0.0.9"));
  assert.equal(changes.length, 1);
});

test("an answer that was lost is asked for again, unless the address was changed again since", async () => {
  const { network, kernel } = await opened();
  const heard: string[] = [];
  network.addAddress(2, vip("10.0.0.8"), (errno) => heard.push(`add .8 ${errno}`));
  network.addAddress(2, vip("10.0.0.9"), (errno) => heard.push(`add .9 ${errno}`));
  network.deleteAddress(2, vip("10.0.0.9"), (errno) => heard.push(`delete .9 ${errno}`));
  for (let i = 0; i < 3; i += 1) kernel.answer(105, "the answer was lost");
  assert.deepEqual(heard, ["add .9 105"]);
  assert.deepEqual(
    kernel.requests.map(({ request }) => request.type),
    [20, 21],
  );
  kernel.answer(17);
  kernel.answer(0);
  assert.deepEqual(heard.slice(1), ["add .8 0", "delete .9 0"]);
  assert.deepEqual(texts(network), ["10.0.0.8/24"]);
});

test("an answer that was dropped in silence is found out by the next one", async () => {
  const { network, kernel } = await opened();
  const heard: string[] = [];
  const tell = (what: string) => (errno: number) => heard.push(`${what} ${errno}`);
  network.addAddress(2, vip("10.0.0.1"), tell("add .1"));
  network.addAddress(2, vip("10.0.0.2"), tell("add .2"));
  network.deleteAddress(2, vip("10.0.0.2"), tell("delete .2"));
  network.addAddress(2, vip("10.0.0.3"), tell("add .3"));
  kernel.requests.splice(0, 3);
  kernel.answer(0);
  // The deletion overtakes the addition for good: an address that was let go is not added again.
  assert.deepEqual(heard, ["add .2 105", "add .3 0"]);
  assert.deepEqual(
    kernel.requests.map(({ request }) => request.type),
    [20, 21],
  );
  kernel.answer(17);
  kernel.answer(99);
  assert.deepEqual(heard.slice(2), ["add .1 0", "delete .2 0"]);
  assert.deepEqual(texts(network), ["10.0.0.3/24", "10.0.0.1/24"]);
});

test("an answer that was dropped in silence is found out by reading again", async () => {
  const { network, kernel } = await opened();
  network.addAddress(2, vip("10.0.0.1"), () => undefined);
  kernel.requests.splice(0, 1);
  kernel.events.onLost?.("overflow");
  await settled(kernel);
  assert.equal(kernel.requests.length, 1);
});

test("an answer that is lost again and again is a failure", async () => {
  const { network, kernel, lines } = await opened();
  const heard: number[] = [];
  network.addAddress(2, vip("10.0.0.9"), (errno) => heard.push(errno));
  for (let i = 0; i < 4; i += 1) kernel.answer(105, "the answer was lost");
  assert.deepEqual(heard, [105]);
  assert.equal(lines[0]?.event, "network.address-failed");
});

test("a disposed subscription hears nothing, a disposed network neither reads nor logs", async () => {
  const { network, kernel, changes, lines, subscription, clock } = await opened();
  subscription[Symbol.dispose]();
  kernel.notify(added(2, "10.0.0.9"));
  assert.deepEqual(changes, []);
  kernel.errno = 5;
  kernel.events.onLost?.("test");
  network[Symbol.dispose]();
  network[Symbol.dispose]();
  await settled(kernel);
  assert.ok(kernel.closed);
  assert.deepEqual([lines.length, clock.armed], [1, 0]);
  clock.advance(5000);
  kernel.events.onLost?.("after the end");
  assert.equal(lines.length, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { DaemonError } from "../../main/errors.js";
import { encodeOperation } from "../../main/ipvs/encode.js";
import { KernelBackend } from "../../main/ipvs/kernel-backend.js";
import { schedulerModule } from "../../main/ipvs/kernel-modules.js";
import type { OpenSocket } from "../../main/netlink/connection.js";
import type { Message } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import { port } from "../../main/units.js";
import { type Answer, FakeNetlink } from "../harness/fake-netlink.js";
import { sampleDestination, sampleService } from "../harness/ipvs-samples.js";

const FAMILY = 372;
const GENL_ID_CTRL = 0x10;
const GET_SERVICE = 4;
const GET_INFO = 15;
const web = sampleService("192.0.2.1");

/** CTRL_CMD_NEWFAMILY with the number of the family. */
const familyAnswer: Answer = [{ type: GENL_ID_CTRL, payload: Buffer.from("01020000060001007401", "hex") }];

interface Kernel {
  readonly family?: Answer;
  readonly info?: Answer;
  readonly rest?: (request: Message) => Answer;
}

function backendOver({ family = familyAnswer, info = 0, rest = () => 0 }: Kernel, hasIpvs = true) {
  const loaded: string[] = [];
  const kernel = new FakeNetlink((request) => {
    if (request.type === GENL_ID_CTRL) return family;
    return request.payload[0] === GET_INFO ? info : rest(request);
  });
  const load = (name: string): Promise<void> => Promise.resolve(void loaded.push(name));
  const backend = new KernelBackend({ openSocket: kernel.open, modules: { hasIpvs: () => hasIpvs, load } });
  return { backend, kernel, loaded };
}

const rows: readonly {
  readonly name: string;
  readonly kernel: Kernel;
  readonly code: string;
  readonly says: RegExp;
}[] = [
  { name: "no IPVS", kernel: { family: 2 }, code: "E_IPVS_MISSING", says: /modprobe ip_vs.*--ipvs memory/ },
  { name: "no privilege", kernel: { info: 1 }, code: "E_PRIVILEGE", says: /CAP_NET_ADMIN/ },
  { name: "a refused probe", kernel: { info: 22 }, code: "E_NETLINK", says: /errno 22/ },
  { name: "a family without number", kernel: { family: [] }, code: "E_NETLINK", says: /family IPVS/ },
];

for (const { name, kernel, code, says } of rows)
  test(`open: ${name} is ${code}`, async () => {
    const { backend } = backendOver(kernel);
    await assert.rejects(
      backend.open(),
      (error) => error instanceof DaemonError && error.code === code && says.test(error.message),
    );
  });

test("lvs_netlink_cmd_rcv_bufs is the receive buffer of the socket", async () => {
  const kernel = new FakeNetlink((request) => (request.type === GENL_ID_CTRL ? familyAnswer : 0));
  const sizes: number[] = [];
  const openSocket: OpenSocket = (protocol, bytes, handlers) => {
    sizes.push(bytes);
    return kernel.open(protocol, bytes, handlers);
  };
  const modules = { hasIpvs: () => true, load: () => Promise.resolve() };
  await new KernelBackend({ openSocket, modules, receiveBufferBytes: 123_456 }).open();
  await new KernelBackend({ openSocket, modules }).open();
  assert.deepEqual(sizes, [123_456, 4 * 1024 * 1024]);
});

test("the module is loaded once when IPVS is not there, and not otherwise", async () => {
  const without = backendOver({}, false);
  await without.backend.open();
  assert.deepEqual(without.loaded, ["ip_vs"]);
  const withIpvs = backendOver({});
  await withIpvs.backend.open();
  assert.deepEqual(withIpvs.loaded, []);
  for (const { backend } of [without, withIpvs]) backend.close();
});

test("the module of a scheduler is loaded before the request that needs it, once", async () => {
  const { backend, kernel, loaded } = backendOver({});
  await backend.open();
  await backend.apply([{ do: "new-service", service: web }]);
  await backend.apply([{ do: "set-service", service: web }]);
  assert.deepEqual(loaded, ["ip_vs_rr"]);
  assert.deepEqual(
    kernel.packs.at(-1)?.map((r) => r.type),
    [FAMILY],
  );
  backend.close();
});

test("a scheduler's name is no way to run modprobe with an option", () => {
  for (const name of ["-r", "../x", "", "a b", "a".repeat(40)]) assert.equal(schedulerModule(name), undefined, name);
  assert.equal(schedulerModule("wlc"), "ip_vs_wlc");
});

test("a torn part, a refused dump and a change meanwhile make a reading unreliable", async () => {
  const writer = new MessageWriter();
  encodeOperation(writer, { do: "new-service", service: web });
  const good = { type: FAMILY, payload: Buffer.from(writer.bytes()) };
  const cases: readonly (readonly [Answer, string])[] = [
    [[good], "complete"],
    [[good, { type: FAMILY, payload: good.payload.subarray(0, 40) }], "unreliable"],
    [[{ ...good, flags: 0x10 }], "unreliable"],
    [1, "unreliable"],
  ];
  for (const [answer, want] of cases) {
    const { backend } = backendOver({ rest: (request) => (request.payload[0] === GET_SERVICE ? answer : 0) });
    await backend.open();
    const dump = await backend.dumpServices();
    assert.equal(dump.kind, want);
    if (dump.kind === "complete") assert.deepEqual(dump.entries, [web]);
    backend.close();
  }
});

test("use before open and after close is a clear error", async () => {
  const { backend } = backendOver({});
  const destination = sampleDestination("10.0.0.1");
  await assert.rejects(backend.apply([{ do: "new-dest", service: web, destination }]), DaemonError);
  backend.close();
  await assert.rejects(backend.apply([]), DaemonError);
});

test("the module of a persistence engine is loaded, too", async () => {
  const { backend, loaded } = backendOver({});
  await backend.open();
  await backend.apply([{ do: "new-service", service: { ...web, persistenceEngine: "sip" } }]);
  assert.deepEqual(loaded, ["ip_vs_rr", "ip_vs_pe_sip"]);
  backend.close();
});

const GET_DEST = 8;
const DEL_DEST = 7;
const gue = sampleDestination("10.0.0.1", {
  forwarding: "TUN",
  tunnel: { type: "gue", port: port(6080), checksum: "csum" },
});
const plain = sampleDestination("10.0.0.2");

/** A part of a dump of destinations, as a kernel says it that knows of tunnels, or of none. */
function destinationPart(known: boolean): Answer {
  const writer = new MessageWriter();
  const destination = known ? gue : sampleDestination("10.0.0.1");
  encodeOperation(writer, { do: "new-dest", service: web, destination });
  return [{ type: FAMILY, payload: Buffer.from(writer.bytes()) }];
}

test("a kernel that takes GUE for IP in IP: the destination goes, says why, and the others stay", async () => {
  const commands: (number | undefined)[] = [];
  const rest = (request: Message): Answer => {
    commands.push(request.payload[0]);
    return request.payload[0] === GET_DEST ? destinationPart(false) : 0;
  };
  const { backend } = backendOver({ rest });
  await backend.open();
  const both = [gue, plain].map((destination) => ({ do: "new-dest", service: web, destination }) as const);
  for (const attempt of ["first", "again"]) {
    const [tunnelled, usual] = await backend.apply(both);
    assert.equal(tunnelled?.errno, 95, attempt);
    assert.match(tunnelled.reason, /gue needs Linux 5.2/);
    assert.equal(usual?.errno, 0);
  }
  assert.deepEqual(commands, [5, 5, GET_DEST, DEL_DEST, 5]);
  backend.close();
});

test("a kernel with tunnels is asked once", async () => {
  const commands: (number | undefined)[] = [];
  const rest = (request: Message): Answer => {
    commands.push(request.payload[0]);
    return request.payload[0] === GET_DEST ? destinationPart(true) : 0;
  };
  const { backend } = backendOver({ rest });
  await backend.open();
  for (let i = 0; i < 2; i++)
    assert.deepEqual(
      (await backend.apply([{ do: "new-dest", service: web, destination: gue }])).map(({ errno }) => errno),
      [0],
    );
  assert.deepEqual(commands, [5, GET_DEST, 5]);
  const dump = await backend.dumpDestinations(web);
  assert.deepEqual(dump.kind === "complete" && dump.entries, [gue]);
  backend.close();
});

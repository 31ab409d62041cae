import assert from "node:assert/strict";
import { test } from "node:test";
import { DaemonError } from "../../main/errors.js";
import { encodeOperation } from "../../main/ipvs/encode.js";
import { KernelBackend } from "../../main/ipvs/kernel-backend.js";
import { schedulerModule } from "../../main/ipvs/kernel-modules.js";
import type { Message } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";
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

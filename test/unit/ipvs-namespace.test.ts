import assert from "node:assert/strict";
import { test } from "node:test";
import { KernelBackend } from "../../main/ipvs/kernel-backend.js";
import { ipvsNamespacePath, openSocketIn } from "../../main/ipvs/namespace.js";

test("where the table is: with the daemon, where the daemon was started, or in a named namespace", () => {
  const path = (ipvsNamespace: Parameters<typeof ipvsNamespacePath>[0]["ipvsNamespace"]): string | undefined =>
    ipvsNamespacePath({ ipvsNamespace }, 17);
  assert.equal(path("own"), undefined);
  assert.equal(path("default"), "/proc/17/ns/net");
  assert.equal(path({ name: "lvs" }), "/var/run/netns/lvs");
});

test("a namespace that is not there is named, and is no lack of IPVS", async () => {
  const openSocket = openSocketIn("/var/run/netns/holdfast-no-such");
  const modules = { hasIpvs: () => true, load: () => Promise.resolve() };
  const wrong = { code: "E_NAMESPACE", message: /holdfast-no-such: ENOENT - 'ip netns'/ };
  await assert.rejects(new KernelBackend({ openSocket, modules }).open(), wrong);
});

test("what is no name is refused before anything is opened", () => {
  const handlers = { onDatagram: () => undefined, onError: () => undefined };
  for (const name of ["..", ".", "", "a/b", "../../../proc/self/ns/net"]) {
    const path = ipvsNamespacePath({ ipvsNamespace: { name } }, 17) ?? "";
    const wrong = { code: "E_NAMESPACE", message: /a name is one part of a path/ };
    assert.throws(() => openSocketIn(path)(16, 65_536, handlers), wrong, name);
  }
});

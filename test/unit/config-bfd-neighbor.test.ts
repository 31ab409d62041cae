import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./config-fake-host.js";

const found = (address: string): readonly string[] =>
  load(`bfd_instance B {\nneighbor_ip ${address}\n}\n`).diagnostics.map(({ severity, code }) => `${severity} ${code}`);

test("an address that no neighbour has is a warning, and the session runs as keepalived's", () => {
  for (const address of ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "0:0::0"]) {
    assert.deepEqual(found(address), ["warning CFG_ADVICE"], address);
    const { config } = load(`bfd_instance B {\nneighbor_ip ${address}\n}\n`);
    assert.equal(config?.bfdInstances.length, 1, address);
  }
  for (const address of ["192.0.2.1", "127.0.0.2", "2001:db8::1"]) assert.deepEqual(found(address), [], address);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { bfdData } from "../../main/observe/bfd-data.js";
import { emptyConfig } from "../harness/config-fixtures.js";

test("keepalived_bfd.data has the lines that tools look for", () => {
  const text = [
    ...bfdData(emptyConfig({}).global, [
      {
        name: "B1",
        neighbor: "192.0.2.2",
        source: "192.0.2.1",
        minRx: 50_000,
        minTx: 50_000,
        idleTx: 1_000_000,
        multiplier: 3,
        ttl: 255,
        maxHops: 0,
        multihop: false,
        passive: false,
        informs: "vrrp",
        weight: -20,
        reverse: false,
        state: "Up",
        diagnostic: "No Diagnostic",
        discriminator: 0x6b62b73d,
        polling: false,
        txInterval: 50_000,
        detectionTime: 150_000,
        sent: 7,
        received: 8,
        remote: undefined,
      },
    ]),
  ].join("");
  for (const line of [
    "------< BFD Topology >------",
    " BFD Instance = B1",
    "   Neighbor IP = 192.0.2.2",
    "   Required min RX interval = 50000 us",
    "   send event to checker process = No",
    "   local state = Up",
    "   remote state = Down",
    "   local discriminator = 0x6b62b73d",
    "   weight = -20",
    "   local detection time = 150000 us",
  ])
    assert.ok(text.includes(`${line}\n`), line);
});

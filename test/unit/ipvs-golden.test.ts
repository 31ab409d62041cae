import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { decodeDestination, decodeService } from "../../main/ipvs/decode.js";
import { encodeOperation } from "../../main/ipvs/encode.js";
import type { Operation } from "../../main/ipvs/operation.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import { type AttributeNames, annotate, fromAnnotated } from "../harness/annotate.js";

const folder = new URL("../../../test/golden/ipvs/", import.meta.url);

/** linux/ip_vs.h, without the prefixes. */
const names: AttributeNames = {
  1: [
    "SERVICE",
    {
      1: "AF",
      2: "PROTOCOL",
      3: "ADDR",
      4: "PORT (be)",
      5: "FWMARK",
      6: "SCHED_NAME",
      7: "FLAGS {flags, mask}",
      8: "TIMEOUT",
      9: "NETMASK",
      11: "PE_NAME",
    },
  ],
  2: [
    "DEST",
    {
      1: "ADDR",
      2: "PORT (be)",
      3: "FWD_METHOD",
      4: "WEIGHT",
      5: "U_THRESH",
      6: "L_THRESH",
      11: "ADDR_FAMILY",
      13: "TUN_TYPE",
      14: "TUN_PORT (be)",
      15: "TUN_FLAGS",
    },
  ],
};

function encoded(operation: Operation): Buffer {
  const writer = new MessageWriter();
  encodeOperation(writer, operation);
  return Buffer.from(writer.bytes());
}

/** The first line says where the octets come from, the second is what they mean as JSON; hex follows. */
function readGolden(name: string): { readonly origin: string; readonly json: string; readonly octets: Buffer } {
  const [origin = "", json = "", ...rest] = readFileSync(new URL(name, folder), "utf8").split("\n");
  return { origin, json: json.slice(2), octets: fromAnnotated(rest.join("\n")) };
}

for (const name of readdirSync(folder)) {
  const { origin, json, octets } = readGolden(name);
  if (name.startsWith("dump-service")) {
    test(`${name}: decoded`, () => assert.deepEqual(decodeService(octets), JSON.parse(json)));
  } else if (name.startsWith("dump-dest")) {
    test(`${name}: decoded`, () => assert.deepEqual(decodeDestination(octets, "inet"), JSON.parse(json)));
  } else {
    test(`${name}: encoded`, () => {
      const operation = JSON.parse(json) as Operation;
      if (process.env["UPDATE_GOLDEN"] === "1")
        writeFileSync(new URL(name, folder), `${origin}\n# ${json}\n${annotate(encoded(operation), names)}\n`);
      else assert.equal(annotate(encoded(operation), names), annotate(octets, names));
    });
  }
}

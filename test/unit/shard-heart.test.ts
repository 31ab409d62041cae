import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { ms } from "../../main/units.js";
import type { FromWorker, ToWorker } from "../../workers/protocol.js";
import shard from "../../workers/shard.js";
import { needs } from "../harness/needs.js";
import { spec, tcpCheck } from "./health-fixtures.js";

const options = { skip: needs("native"), timeout: 20_000 };

test("the heart beats between messages that came together", options, async () => {
  const { port1: ours, port2: port } = new MessageChannel();
  const kinds: FromWorker["kind"][] = [];
  const drained = new Promise<void>((resolve) => {
    ours.on("message", ({ kind }: FromWorker) => {
      kinds.push(kind);
      if (kind === "drained") resolve();
    });
  });
  const send = (message: ToWorker): void => ours.postMessage(message);
  const each = 500;
  for (let from = 1; from <= 20 * each; from += each) {
    const checks = Array.from({ length: each }, (_, i) => spec(from + i, tcpCheck(), "up"));
    send({ kind: "assign", epoch: 1, checks });
  }
  send({ kind: "drain" });
  const limits = { maxInFlight: 10, maxInFlightPerHost: 0, keepInMemory: false };
  const scripts = { atMost: 1, environment: [] };
  await shard({ port, options: { heartbeat: ms(2), batchDelay: ms(10), nice: 0, ...limits, scripts } });
  await drained;
  ours.close();
  const beats = kinds.filter((kind) => kind === "heartbeat").length;
  assert.ok(beats > 2, `${beats} heart beats`);
});

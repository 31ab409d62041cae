import assert from "node:assert/strict";
import { test } from "node:test";
import { createScreen } from "../../examples/demo/screen.js";
import type { Snapshot } from "../../examples/demo/snapshot.js";
import { Story } from "../../examples/demo/story.js";
import { facts, picture } from "../../examples/demo/view.js";

const snapshot: Snapshot = {
  directors: [
    {
      name: "director1",
      running: true,
      holds: "192.168.91.188",
      instances: [
        {
          name: "VI_1",
          state: "MASTER",
          priority: 100,
          effectivePriority: 100,
          vips: ["192.168.91.188/32 dev ens33 scope global set"],
          since: 0,
        },
      ],
    },
    { name: "director2", running: false, holds: "192.168.91.188", instances: [] },
  ],
  servers: [
    {
      vs: "[192.168.91.188]:tcp:80",
      scheduler: "rr",
      quorumUp: true,
      realServers: [
        { rs: "[192.168.91.102]:tcp:80", state: "up", weight: 1, latencyMs: 0.25, lastOutcome: "up" },
        { rs: "[192.168.91.103]:tcp:80", state: "down", weight: 1 },
      ],
    },
  ],
  table: { title: "ipvsadm -Ln on director1", lines: ["TCP  192.168.91.188:80 rr"] },
};

test("the picture shows master, address, servers, latency, table and steps", () => {
  const steps = [
    { title: "one", outcome: { is: "done", what: "1.00 s" } },
    { title: "two", outcome: { is: "running" } },
  ] as const;
  assert.deepEqual(picture("title", snapshot, steps), [
    "title",
    "",
    "director",
    "  director1                   MASTER    holds 192.168.91.188",
    "  director2                   down",
    "",
    "real server                   state   weight       check",
    "  [192.168.91.102]:tcp:80     up      1          0.25 ms",
    "  [192.168.91.103]:tcp:80     down    1                -",
    "",
    "ipvsadm -Ln on director1",
    "  TCP  192.168.91.188:80 rr",
    "",
    "  [ ok ] one: 1.00 s",
    "  [ .. ] two",
  ]);
});

test("without a terminal, each change is one line and a repeated picture is none", () => {
  const written: string[] = [];
  const screen = createScreen("title", false, (text) => written.push(text.replace(/^ *[\d.]+ s {2}/, "")));
  screen.draw(snapshot, []);
  screen.draw(snapshot, []);
  screen.step({ title: "one", outcome: { is: "failed", why: "not within 5 ms" } });
  assert.deepEqual(written, [
    "title\n",
    ...facts(snapshot).map((fact) => `${fact}\n`),
    "[FAIL] one: not within 5 ms\n",
  ]);
});

test("a story stops at the first step that does not happen", async () => {
  const told: string[] = [];
  const story = new Story([
    { title: "a", run: () => Promise.resolve("fine") },
    { title: "b", run: () => Promise.reject(new Error("no")) },
    { title: "c", run: () => Promise.resolve("never") },
  ]);
  await story.tell(
    ({ title, outcome }) => told.push(`${title} ${outcome.is}`),
    () => Promise.resolve(),
  );
  assert.deepEqual(told, ["a running", "a done", "b running", "b failed"]);
  assert.equal(story.complete, false);
  assert.deepEqual(story.records.at(2), { title: "c", outcome: { is: "waiting" } });
});

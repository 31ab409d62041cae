import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { needs } from "../harness/needs.js";
import { type Fake, type Launched, Stage } from "./launcher-harness.js";

const options = { skip: needs("root", "netns"), timeout: 60_000 };

async function stop(launched: Launched, fake: Fake): Promise<void> {
  fake.say("stopping");
  fake.do({ do: "exit", code: 0 });
  assert.equal(await launched.ended, 0);
}

const coreLimit = (pid: number): string =>
  /^Max core file size +(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))?.[1] ?? "none";

for (const { args, want } of [
  { args: ["-n"], want: "0" },
  { args: ["-n", "-m"], want: "unlimited" },
  { args: ["-nm"], want: "unlimited" },
  { args: ["-n", "--core-dump"], want: "unlimited" },
]) {
  test(`${args.join(" ")}: how large a core the daemon may leave: ${want}`, options, async () => {
    await using stage = await Stage.create();
    const launched = stage.launch({ args, via: 'ulimit -S -c 0; exec "$@"' });
    const fake = await stage.daemon();
    assert.equal(coreLimit(fake.hello.pid), want);
    await stop(launched, fake);
  });
}

for (const { option, pattern, others, at, end } of [
  { option: "-M", pattern: "core", others: "", at: "core", end: "before" },
  { option: "-M=/var/x.%p", pattern: "/var/x.%p", others: "", at: "/var/x.%p", end: "before" },
  { option: "--core-dump-pattern=y", pattern: "y", others: "theirs", at: "y", end: "theirs" },
]) {
  test(`${option}: the pattern is ${pattern}, at the end ${end}`, options, async () => {
    await using stage = await Stage.create();
    const file = stage.path("pattern");
    writeFileSync(file, "before\n");
    // The kernel's own is that of everybody on this machine.
    const inside = 'mount --bind "$FILE" /proc/sys/kernel/core_pattern && exec "$@"';
    const via = `FILE=${file} exec unshare -m sh -c '${inside}' sh "$@"`;
    const launched = stage.launch({ args: ["-n", option], via });
    const fake = await stage.daemon();
    assert.equal(readFileSync(file, "utf8"), at);
    if (others !== "") writeFileSync(file, others);
    await stop(launched, fake);
    assert.equal(readFileSync(file, "utf8"), end);
  });
}

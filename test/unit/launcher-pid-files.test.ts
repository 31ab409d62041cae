import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { test } from "node:test";
import { type Fake, type Launched, Stage } from "./launcher-harness.js";

const timeout = 60_000;

async function stop(launched: Launched, fake: Fake): Promise<void> {
  fake.say("stopping");
  fake.do({ do: "exit", code: 0 });
  assert.equal(await launched.ended, 0);
}

test("created with its directory, 0644 whatever the umask, removed at the end", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({ via: 'umask 0177; exec "$@"' });
  const fake = await stage.daemon();
  const file = stage.path("run/holdfast.pid");
  fake.say(`pidfile ${file}`);
  assert.equal(await fake.line(), `ok pidfile ${file}`);
  assert.equal(readFileSync(file, "utf8"), `${launched.pid}\n`);
  assert.equal(statSync(file).mode & 0o7777, 0o644);
  assert.equal(statSync(stage.path("run")).mode & 0o7777, 0o755);
  fake.say(`pidfile ${file}`);
  assert.equal(await fake.line(), `ok pidfile ${file}`, "a restarted daemon asks again");
  await stop(launched, fake);
  assert.equal(existsSync(file), false);
});

test("held by another: busy with its pid; left behind by a crash: taken over", { timeout }, async () => {
  await using stage = await Stage.create();
  const file = stage.path("with blank.pid");
  writeFileSync(file, "1 a longer left-over\n");
  const first = stage.launch();
  const holder = await stage.daemon();
  holder.say(`pidfile ${file}`);
  assert.equal(await holder.line(), `ok pidfile ${file}`);
  assert.equal(readFileSync(file, "utf8"), `${first.pid}\n`);
  const second = stage.launch();
  const other = await stage.daemon();
  other.say(`pidfile ${file}`);
  assert.equal(await other.line(), `busy ${first.pid} ${file}`);
  await stop(second, other);
  assert.equal(readFileSync(file, "utf8"), `${first.pid}\n`, "not ours, so not removed");
});

test("what cannot be a pid file is refused with its errno", { timeout }, async () => {
  await using stage = await Stage.create();
  const target = stage.path("target");
  writeFileSync(target, "precious");
  symlinkSync(target, stage.path("link.pid"));
  linkSync(target, stage.path("hard.pid"));
  mkdirSync(stage.path("dir.pid"));
  const rows = [
    [stage.path("link.pid"), constants.errno.ELOOP],
    [stage.path("hard.pid"), constants.errno.EMLINK],
    [stage.path("dir.pid"), constants.errno.EISDIR],
    [stage.path("no/such/dir/x.pid"), constants.errno.ENOENT],
    ["/dev/null", constants.errno.EINVAL],
  ] as const;
  stage.launch();
  const fake = await stage.daemon();
  for (const [path, errno] of rows) {
    fake.say(`pidfile ${path}`);
    assert.equal(await fake.line(), `failed ${errno} ${path}`);
  }
  assert.equal(readFileSync(target, "utf8"), "precious");
});

test("a file that somebody put in its place stays", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  const file = stage.path("x.pid");
  fake.say(`pidfile ${file}`);
  assert.equal(await fake.line(), `ok pidfile ${file}`);
  renameSync(file, stage.path("old.pid"));
  writeFileSync(file, "theirs");
  await stop(launched, fake);
  assert.equal(readFileSync(file, "utf8"), "theirs");
});

test("one that is deleted is made again as often as it takes, and keeps one descriptor", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  const file = stage.path("x.pid");
  const open = (): number => readdirSync(`/proc/${launched.pid}/fd`).length;
  const taken: number[] = [];
  for (let i = 0; i < 5; i++) {
    rmSync(file, { force: true });
    fake.say(`pidfile ${file}`);
    assert.equal(await fake.line(), `ok pidfile ${file}`);
    taken.push(open());
  }
  assert.equal(new Set(taken).size, 1, taken.join());
  await stop(launched, fake);
  assert.equal(existsSync(file), false);
});

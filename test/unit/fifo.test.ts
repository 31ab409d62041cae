import assert from "node:assert/strict";
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { FifoBacklog } from "../../main/notify/fifo-backlog.js";
import { openFifo, unusable } from "../../main/notify/fifo-file.js";
import { FifoOutlet } from "../../main/notify/fifo-outlet.js";
import { ms } from "../../main/units.js";
import { makeFifo } from "../../native-bindings/fifo.js";
import { threadCpuTime } from "../../native-bindings/process.js";
import { until } from "../harness/until.js";
import { recordingLog } from "./notify-support.js";
import { WallClock } from "./wall-clock.js";

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "fifo-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** All that is in a pipe now. */
class Reader {
  readonly #fd: number;

  constructor(t: TestContext, path: string) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    t.after(() => closeSync(this.#fd));
  }

  read(): string {
    const buffer = Buffer.alloc(1024 * 1024);
    try {
      return buffer.toString("utf8", 0, readSync(this.#fd, buffer));
    } catch {
      return ""; // EAGAIN
    }
  }
}

function outlet(t: TestContext, path: string) {
  const { log, lines } = recordingLog();
  const made = new FifoOutlet("notify_fifo", { path, owner: undefined, umask: 0o177 }, openFifo, log, new WallClock());
  t.after(() => made.close());
  return { made, lines };
}

test("backlog: in order, in pieces that a pipe takes whole", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1, maxLength: 300 }), { maxLength: 200 }), (lines) => {
      const backlog = new FifoBacklog();
      for (const line of lines) backlog.push(line, "state");
      const pieces: string[] = [];
      for (let text = backlog.take(); text !== ""; text = backlog.take()) pieces.push(text);
      assert.equal(pieces.join(""), lines.join(""));
      for (const piece of pieces) assert.ok(Buffer.byteLength(piece) <= 4096, "PIPE_BUF");
      assert.equal(backlog.lost, 0);
    }),
  );
});

test("backlog: what does not fit is lost from its old end, and counted", () => {
  const backlog = new FifoBacklog();
  for (let i = 0; i < 100_007; i += 1) backlog.push(`${i}\n`, "state");
  assert.deepEqual([backlog.lost, backlog.waiting], [7, 100_000]);
  assert.match(backlog.take(), /^7\n8\n/);
});

test("backlog: chatter never pushes out a state", () => {
  const backlog = new FifoBacklog();
  backlog.push("MASTER\n", "state");
  for (let i = 0; i < 50_000; i += 1) backlog.push("MASTER_RX_LOWER_PRI\n", "chatter");
  assert.equal(backlog.lost, 49_000);
  assert.match(backlog.take(), /^MASTER\n/);
});

test("a pipe is made with its mode, and removed at the end", async (t) => {
  const path = join(folder(t), "f");
  const { made } = outlet(t, path);
  assert.equal(await made.opened, true);
  const status = lstatSync(path);
  assert.deepEqual([status.isFIFO(), status.mode & 0o777], [true, 0o600]);
  await made.close();
  assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined);
});

test("one that was there stays, with its mode", async (t) => {
  const path = join(folder(t), "f");
  await makeFifo(path, 0o620);
  const { made } = outlet(t, path);
  assert.equal(await made.opened, true);
  await made.close();
  assert.ok(lstatSync(path).isFIFO());
});

test("what is no pipe, or a link to one, is refused with what to do", async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, "file"), "precious");
  await makeFifo(join(dir, "pipe"), 0o600);
  symlinkSync("pipe", join(dir, "link"));
  for (const [name, sentence] of [
    [
      "file",
      /notify_fifo \S+file exists and is no pipe: remove it \(rm \S+file\), or name another path; nothing is told/,
    ],
    ["link", /is a symbolic link: remove it/],
    ["none/f", /cannot be made \(errno 2\): check its directory/],
  ] as const) {
    const { made, lines } = outlet(t, join(dir, name));
    made.tell("x\n", "state");
    assert.equal(await made.opened, false);
    assert.match(lines[0]?.sentence ?? "", sentence);
  }
  assert.equal(lstatSync(join(dir, "file")).size, 8);
  const pipe = lstatSync(join(dir, "pipe"));
  assert.equal(unusable(pipe, [pipe.uid], "/f"), undefined);
  assert.match(unusable(pipe, [pipe.uid + 1], "/f") ?? "", /belongs to uid \d+: remove it/);
});

test("lines wait for the pipe to be made, and arrive in order", async (t) => {
  const path = join(folder(t), "f");
  const { made } = outlet(t, path);
  const want = Array.from({ length: 2000 }, (_, i) => `INSTANCE "V${i}" MASTER 100\n`);
  for (const line of want) made.tell(line, "state");
  await made.opened;
  const reader = new Reader(t, path);
  await made.settle(ms(5000));
  assert.equal(reader.read(), want.join(""));
});

test("without a reader nothing waits for it; what is lost is counted, said once, and the newest arrives", async (t) => {
  const path = join(folder(t), "f");
  const { made, lines } = outlet(t, path);
  await made.opened;
  const line = (i: number): string => `INSTANCE "a name of some length" MASTER ${i}\n`;
  for (let i = 0; i < 110_000; i += 1) made.tell(line(i), "state");
  await made.settle(ms(100));
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]?.sentence ?? "",
    /full and not read: lines are being lost, the oldest first - check its reader/,
  );
  const reader = new Reader(t, path);
  let read = "";
  await until("all is read", 30_000, () => (read += reader.read()).endsWith(line(109_999)));
  const arrived = read.split("\n").length - 1;
  assert.ok(read.startsWith(line(0)), "what was in the pipe stays there");
  assert.equal(made.lost, 110_000 - arrived);
  await until("it is said that the reader is back", 10_000, () => lines.length === 2);
  assert.match(lines[1]?.sentence ?? "", new RegExp(`is read again; ${made.lost} lines were lost`));
});

test("a pipe that its reader deletes and makes again is followed, and no line goes to the deleted one", async (t) => {
  const path = join(folder(t), "f");
  const { made, lines } = outlet(t, path);
  await made.opened;
  const before = new Reader(t, path);
  made.tell("A\n", "state");
  await made.settle(ms(5000));
  assert.equal(before.read(), "A\n");
  rmSync(path);
  assert.equal(await makeFifo(path, 0o600), 0);
  const after = new Reader(t, path);
  for (const line of ["B\n", "C\n"]) made.tell(line, "state");
  await made.settle(ms(5000));
  assert.deepEqual([before.read(), after.read()], ["", "B\nC\n"]);
  assert.deepEqual(
    lines.map(({ sentence }) => sentence),
    [`notify_fifo ${path} was deleted: going on with the pipe that is there now`],
  );
  await made.close();
  assert.ok(existsSync(path), "it is the reader's");
});

test("what waits for a full pipe goes to the one that replaces it, in order", async (t) => {
  const path = join(folder(t), "f");
  const { made } = outlet(t, path);
  await made.opened;
  const before = new Reader(t, path);
  const want = Array.from({ length: 5000 }, (_, i) => `INSTANCE "a name of some length" MASTER ${i}\n`);
  for (const line of want) made.tell(line, "state");
  await made.settle(ms(300));
  rmSync(path);
  assert.equal(await makeFifo(path, 0o600), 0);
  const after = new Reader(t, path);
  let read = "";
  await until("the last line is read", 10_000, () => (read += after.read()).endsWith(want.at(-1) ?? ""));
  assert.equal(before.read() + read, want.join(""));
  assert.ok(read.length > 64 * 1024, "more than a pipe holds");
});

test("a deleted pipe that nobody makes again is made by the next line, and removed at the end", async (t) => {
  const path = join(folder(t), "f");
  const { made } = outlet(t, path);
  await made.opened;
  rmSync(path);
  made.tell("A\n", "state");
  await made.settle(ms(5000));
  assert.equal(new Reader(t, path).read(), "A\n");
  await made.close();
  assert.equal(existsSync(path), false);
});

test("a pipe that somebody has put in the place of ours stays at the end", async (t) => {
  const path = join(folder(t), "f");
  const { made } = outlet(t, path);
  await made.opened;
  rmSync(path);
  assert.equal(await makeFifo(path, 0o600), 0);
  await made.close();
  assert.ok(existsSync(path));
});

test("a flood costs little: 100,000 weaker adverts told to a full pipe", async (t) => {
  const path = join(folder(t), "f");
  const { made } = outlet(t, path);
  await made.opened;
  const line = 'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 100\n';
  const before = threadCpuTime();
  for (let i = 0; i < 100_000; i += 1) made.tell(line, "chatter");
  const used = threadCpuTime() - before;
  t.diagnostic(`${used.toFixed(1)} ms of the main thread`);
  assert.ok(used < 250, `${used.toFixed(0)} ms`); // some 10 ms on a machine of 2024
  assert.ok(made.lost > 90_000);
});

test("a pipe that a daemon before this one made goes with this one; one that somebody else put there stays", async (t) => {
  const path = join(folder(t), "pipe");
  const memory = Buffer.alloc(64 * 8);
  const lasting = (): LastingState => new LastingState(new StateSlab(memory));
  const wish = { path, owner: undefined, umask: 0o177 };
  const crashed = await openFifo(wish, lasting());
  assert.ok("close" in crashed);
  const next = await openFifo(wish, lasting());
  assert.ok("close" in next);
  await next.close();
  assert.equal(existsSync(path), false);
  assert.equal(lasting().madeFifo(path), undefined);
  assert.equal(await makeFifo(path, 0o600), 0);
  lasting().rememberFifo(path, lstatSync(path).ino + 1);
  const foreign = await openFifo(wish, lasting());
  assert.ok("close" in foreign);
  await foreign.close();
  assert.equal(existsSync(path), true);
  await crashed.close();
});
